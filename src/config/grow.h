/* grow: appending to the lists of model.h, in the arena. */
#ifndef CONFIG_GROW_H
#define CONFIG_GROW_H

#include "base/arena.h"

/* Room for one more item, zeroed; a pointer to it. A list that shares its items with another must have been
 * sealed. */
#define GROW(arena, list)                                                                                    \
    (grow((arena), (void **)&(list).items, &(list).count, &(list).room, sizeof *(list).items),               \
     &(list).items[(list).count - 1])

/* The list's items are from now on shared: the next GROW copies them. */
#define SEAL(list) ((list).room = (list).count)

/* Makes room and counts it; doubling, so that the arena holds at most twice the items. */
static inline void grow(struct arena *arena, void **items, size_t *count, size_t *room, size_t size)
{
    if (*count >= *room) {
        size_t more = *count < 4 ? 4 : 2 * *count;
        void *p = arena_zalloc(arena, more, size);

        if (*count)
            memcpy(p, *items, *count * size);
        *items = p;
        *room = more;
    }
    ++*count;
}

#endif
