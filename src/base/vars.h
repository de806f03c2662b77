/* vars: an ordered table of variables: name and value, each name once.
 *
 * The environment of a request, as SetEnvIf and SetEnv fill it and as the application receives it. Setting a
 * name that exists keeps its place and replaces its value; names are compared byte for byte. Names and values
 * are borrowed: they live as long as the arena, or longer.
 */
#ifndef BASE_VARS_H
#define BASE_VARS_H

#include "base/arena.h"

struct var {
    struct str name, value;
};

struct vars {
    struct arena *arena;
    struct var *items;
    size_t count, room;
    uint64_t seen[4]; /* a filter: a name whose bit is not set is surely new */
};

void vars_init(struct vars *v, struct arena *arena);
void vars_set(struct vars *v, struct str name, struct str value);
void vars_unset(struct vars *v, struct str name);
/* The value; absent when the name is not set. */
struct str vars_get(const struct vars *v, struct str name);
bool vars_has(const struct vars *v, struct str name);

#endif
