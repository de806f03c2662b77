#include "serve/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

struct account {
    char name[256]; /* for initgroups(3); empty when only a number is known */
    uid_t uid;
    gid_t gid;
};

static bool number_of(struct str name, unsigned long *number)
{
    uint64_t value;

    if (!str_starts(name, STR("#")) || !str_to_u64(str_skip(name, 1), 0x7fffffff, &value))
        return false;
    *number = value;
    return true;
}

static bool find_user(struct str user, struct account *a, char *error, size_t size)
{
    unsigned long number;
    struct passwd *pw;

    snprintf(a->name, sizeof a->name, "%.*s", STR_ARG(user));
    pw = number_of(user, &number) ? getpwuid((uid_t)number) : getpwnam(a->name);
    if (!pw) {
        snprintf(error, size, "User \"%s\" does not exist on this system", a->name);
        return false;
    }
    snprintf(a->name, sizeof a->name, "%s", pw->pw_name);
    a->uid = pw->pw_uid;
    a->gid = pw->pw_gid;
    return true;
}

static bool find_group(struct str group, struct account *a, char *error, size_t size)
{
    unsigned long number;
    char name[256];
    struct group *gr;

    if (number_of(group, &number)) {
        a->gid = (gid_t)number;
        return true;
    }
    snprintf(name, sizeof name, "%.*s", STR_ARG(group));
    gr = getgrnam(name);
    if (!gr) {
        snprintf(error, size, "Group \"%s\" does not exist on this system", name);
        return false;
    }
    a->gid = gr->gr_gid;
    return true;
}

bool privileges_drop(struct str user, struct str group, char *error, size_t size)
{
    struct account a = {.uid = geteuid(), .gid = getegid()};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (geteuid() != 0 || (!user.p && !group.p))
        return true;
    if (user.p && !find_user(user, &a, error, size))
        return false;
    if (group.p && !find_group(group, &a, error, size))
        return false;
    if ((a.name[0] ? initgroups(a.name, a.gid) : setgroups(0, NULL)) != 0 ||
        setresgid(a.gid, a.gid, a.gid) != 0 || setresuid(a.uid, a.uid, a.uid) != 0) {
        snprintf(error, size, "change to User \"%.*s\" failed: %s", STR_ARG(user), strerrordesc_np(errno));
        return false;
    }
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return true;
}
