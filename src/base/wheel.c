#include "base/wheel.h"
#include "base/must.h"

/* A timer lies in the level whose slots are just fine enough for the time left, in the slot of its due time;
 * when the wheel's time reaches the start of that slot it moves to a finer level, or fires. So a slot's
 * position is always 1 to WHEEL_SLOTS ahead of the level's current one, and a jump in time touches no timer
 * that needs no touch. */

static uint64_t level_position(uint64_t ms, unsigned level)
{
    return ms >> (level * WHEEL_SLOT_BITS);
}

static void slot_append(struct wheel *w, struct wheel_timer *timer)
{
    uint64_t now = (uint64_t)w->now_ms, due = (uint64_t)timer->due_ms, left;
    unsigned level = 0, slot;

    if (timer->due_ms <= w->now_ms) {
        list_append(&w->due, &timer->link);
        return;
    }
    left = due - now;
    while (level < WHEEL_LEVELS - 1 && level_position(left, level + 1))
        level++;
    if (level_position(left, WHEEL_LEVELS)) /* past the span: look again when a whole round is over */
        due = now + (UINT64_C(1) << (WHEEL_LEVELS * WHEEL_SLOT_BITS)) - 1;
    slot = (unsigned)(level_position(due, level) % WHEEL_SLOTS);
    list_append(&w->slots[level][slot], &timer->link);
    w->occupied[level] |= UINT64_C(1) << slot;
}

void wheel_init(struct wheel *w, int64_t now_ms)
{
    must(now_ms >= 0);
    *w = (struct wheel){.now_ms = now_ms};
    list_init(&w->due);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
}

void wheel_set(struct wheel *w, struct wheel_timer *timer, int64_t due_ms)
{
    wheel_clear(w, timer);
    timer->due_ms = due_ms;
    slot_append(w, timer);
    w->armed++;
}

void wheel_clear(struct wheel *w, struct wheel_timer *timer)
{
    struct list *neighbour = timer->link.next;
    size_t index;

    if (!wheel_armed(timer))
        return;
    list_remove(&timer->link);
    w->armed--;
    /* The last timer of a slot leaves: what remains is the slot's head, unless it was in another list. */
    index = ((uintptr_t)neighbour - (uintptr_t)w->slots) / sizeof(struct list);
    if (list_empty(neighbour) && index < (size_t)WHEEL_LEVELS * WHEEL_SLOTS)
        w->occupied[index / WHEEL_SLOTS] &= ~(UINT64_C(1) << index % WHEEL_SLOTS);
}

bool wheel_armed(const struct wheel_timer *timer)
{
    return timer->link.next && timer->link.next != &timer->link;
}

static void list_move_all(struct list *to, struct list *from)
{
    struct list *link;

    while ((link = list_take(from)))
        list_append(to, link);
}

/* The slots whose start was passed when a level's position went from one to the other. */
static uint64_t slots_passed(uint64_t from, uint64_t to)
{
    uint64_t count = to - from, first = (from + 1) % WHEEL_SLOTS, mask;

    if (count >= WHEEL_SLOTS)
        return UINT64_MAX;
    mask = (UINT64_C(1) << count) - 1;
    return first ? mask << first | mask >> (WHEEL_SLOTS - first) : mask;
}

/* Moves the time forward; takes what lay in the slots passed. */
static void wheel_advance(struct wheel *w, int64_t now_ms, struct list *taken)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t from = level_position((uint64_t)w->now_ms, level),
                 to = level_position((uint64_t)now_ms, level);
        uint64_t passed = slots_passed(from, to) & w->occupied[level];

        w->occupied[level] &= ~passed;
        for (; passed; passed &= passed - 1)
            list_move_all(taken, &w->slots[level][__builtin_ctzll(passed)]);
        if (from == to) /* then no coarser level moves either */
            break;
    }
    w->now_ms = now_ms;
}

unsigned wheel_run(struct wheel *w, int64_t now_ms)
{
    struct list taken, firing, *link;
    unsigned fired = 0;

    if (now_ms < w->now_ms)
        return 0;
    list_init(&taken);
    list_init(&firing);
    wheel_advance(w, now_ms, &taken);
    while ((link = list_take(&taken)))
        slot_append(w, CONTAINER_OF(link, struct wheel_timer, link));
    /* What a fire function sets for now joins w->due, and so the next run; what it clears leaves `firing`. */
    list_move_all(&firing, &w->due);
    while ((link = list_take(&firing))) {
        struct wheel_timer *timer = CONTAINER_OF(link, struct wheel_timer, link);

        w->armed--;
        fired++;
        timer->fire(timer);
    }
    return fired;
}

int64_t wheel_next(const struct wheel *w, int64_t now_ms)
{
    uint64_t soonest = UINT64_MAX;

    if (!w->armed)
        return -1;
    if (!list_empty(&w->due))
        return 0;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t position = level_position((uint64_t)w->now_ms, level), turn = (position + 1) % WHEEL_SLOTS;
        uint64_t bits = w->occupied[level], at;

        if (!bits)
            continue;
        if (turn)
            bits = bits >> turn | bits << (WHEEL_SLOTS - turn);
        at = (position + 1 + (uint64_t)__builtin_ctzll(bits)) << (level * WHEEL_SLOT_BITS);
        if (at < soonest)
            soonest = at;
    }
    /* Only timers that are firing just now are armed and in no slot: they need no wait. */
    return soonest == UINT64_MAX || (int64_t)soonest <= now_ms ? 0 : (int64_t)soonest - now_ms;
}
