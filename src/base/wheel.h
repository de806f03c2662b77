/* wheel: timers on a hashed hierarchical wheel.
 *
 * Setting, clearing and firing cost O(1); a tick is a millisecond. The wheel does not know the clock: time is
 * an argument. Timers are embedded by the caller, who keeps them alive while they are armed.
 *
 *     timer->fire = on_timeout;
 *     wheel_set(&w, timer, now_ms + 5000);
 *     wheel_run(&w, now_ms);            fires what is due
 *     wait at most wheel_next(&w, now_ms)
 *
 * Zeroed timers are valid and not armed. fire may set and clear any timer, its own included. A timer set
 * inside fire for a time that is due already fires in the next wheel_run(), not in this one.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/list.h"

#include <stdint.h>

struct wheel_timer {
    void (*fire)(struct wheel_timer *timer);
    int64_t due_ms;
    struct list link; /* next == NULL: never armed */
};

enum { WHEEL_LEVELS = 5, WHEEL_SLOT_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_SLOT_BITS };

struct wheel {
    int64_t now_ms;
    unsigned armed;                  /* timers */
    uint64_t occupied[WHEEL_LEVELS]; /* a bit per slot that holds timers */
    struct list due;                 /* of timers set for a time that had come already */
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, int64_t now_ms);
/* (Re)arms the timer for due_ms; a time that lies past the wheel's span (about 12 days) is waited for in
 * rounds. */
void wheel_set(struct wheel *w, struct wheel_timer *timer, int64_t due_ms);
void wheel_clear(struct wheel *w, struct wheel_timer *timer);
bool wheel_armed(const struct wheel_timer *timer);
/* Fires all timers due at now_ms or before; returns how many. Time that goes backwards fires nothing. */
unsigned wheel_run(struct wheel *w, int64_t now_ms);
/* Milliseconds from now_ms until wheel_run() should be called (never later than the next timer is due, maybe
 * earlier), or -1 when no timer is armed. */
int64_t wheel_next(const struct wheel *w, int64_t now_ms);

#endif
