/* load: from configuration files to a model, or to a list of faults.
 *
 * config/ touches no file: the host gives a source. Loading never stops at the first fault; when it has found
 * any error the model is NULL and the list tells all.
 */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/model.h"

enum path_kind { PATH_MISSING, PATH_FILE, PATH_DIRECTORY, PATH_OTHER };

struct config_source {
    void *context;
    /* The whole file, from the arena; 0, or a static text of the reason ("No such file or directory"). */
    const char *(*read_file)(void *context, struct arena *arena, struct str path, struct str *text);
    /* The paths that match a glob pattern (or the entries of a directory, when the path is one), sorted;
     * count may be 0. */
    void (*list)(void *context, struct arena *arena, struct str pattern, struct str **paths, size_t *count);
    enum path_kind (*kind)(void *context, struct str path);
    /* A variable of the process's environment; absent when it is not set. From the arena. */
    struct str (*getenv)(void *context, struct arena *arena, struct str name);
};

struct config_options {
    struct str file;             /* -f; relative to the current directory */
    struct str server_root;      /* -d; absent: the file's ServerRoot, else the directory of the file */
    LIST_OF(struct str) defines; /* -D NAME */
    LIST_OF(struct str) before;  /* -C: directives before the file */
    LIST_OF(struct str) after;   /* -c */
    struct str directory; /* the current directory, absolute: what relative names on the command line mean */
};

/* Everything is allocated from the arena. */
struct model *config_load(const struct config_source *source, const struct config_options *options,
                          struct arena *arena, struct diag_list *diags);

/* The table of directives, for listings and manuals. */
enum directive_effect { DIRECTIVE_EFFECTIVE, DIRECTIVE_IGNORED, DIRECTIVE_REFUSED };

struct directive_info {
    struct str name;
    bool section; /* <name> */
    enum directive_effect effect;
    struct str syntax;   /* "ProxyTimeout seconds" */
    struct str contexts; /* "server config, virtual host, directory" */
    struct str help;     /* one line; when ignored or refused: why */
};
size_t config_directive_count(void);
struct directive_info config_directive(size_t index);

#endif
