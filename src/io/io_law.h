/* io_law: what the files of the law suite share.
 *
 * Each test runs on each engine that can be had, with a fresh one. law_wait() is where turns happen: it
 * asserts that done functions run from there only, never from inside each other, and at most once per submit.
 * At the end of each test nothing may be pending and no descriptor may be left.
 */
#ifndef IO_IO_LAW_H
#define IO_IO_LAW_H

#include "io/addr.h"
#include "io/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One operation under test. then (may be NULL) is called with the result noted. Use connect.op or op alike.
 */
struct law_call {
    union {
        struct io_op op;
        struct io_connect connect;
    };
    int result;
    unsigned submitted, completed;
    bool last, connected;
    void (*then)(struct law_call *call);
    void *context;
};

extern struct io *law_io;

/* The op to submit: counts the submit. */
struct io_op *law_op(struct law_call *call);
struct io_connect *law_connect(struct law_call *call);
/* One turn; returns what io_turn() did. */
int law_turn(int max_wait_ms);
/* Turns until the call has completed, at most some seconds; its result. */
int law_wait(struct law_call *call);
/* Turns for that long; used to see that something does not happen. */
void law_turns_ms(int ms);
/* Turns until *flag. */
void law_wait_flag(const bool *flag);

uint64_t law_random(void);
/* True when the engine under test is that one. */
bool law_on(const char *engine);

/* ---- peers: plain descriptors ---- */

enum law_family { LAW_TCP4, LAW_TCP6, LAW_UNIX, LAW_FAMILIES };

/* False (and a line) when the machine does not have the family. */
bool law_has_family(enum law_family family);
/* Counts up to the next family that the machine has. */
bool law_family_at(enum law_family *family);
#define LAW_EACH_FAMILY(f) for (enum law_family f = 0; law_family_at(&f); f++)
/* A listening descriptor on an address of its own. */
int law_listen(enum law_family family, int backlog, struct addr *address);
/* Removes the path of a Unix address; nothing for others. */
void law_forget(const struct addr *address);
/* A connected pair: ours in the io_sock, a plain non-blocking descriptor for the peer. */
int law_pair(enum law_family family, struct io_sock *sock);
/* Of a descriptor: bytes of pattern(offset) onwards. */
void law_peer_write(int fd, uint64_t offset, size_t length);
unsigned char law_pattern(uint64_t offset);
void law_pattern_fill(unsigned char *p, uint64_t offset, size_t length);
void law_pattern_check(const unsigned char *p, uint64_t offset, size_t length);
/* An unlinked regular file holding that many bytes of the pattern. */
int law_file(size_t length);

/* ---- the tests ---- */

#define LAW_TESTS(T)                                                                                         \
    T(connect_and_accept)                                                                                    \
    T(connect_with_first_bytes)                                                                              \
    T(connect_refused)                                                                                       \
    T(connect_to_nowhere)                                                                                    \
    T(connect_unix_backlog_full)                                                                             \
    T(connect_unix_backlog_cancel)                                                                           \
    T(connect_tcp_pending_cancel)                                                                            \
    T(accept_takes_each_connection)                                                                          \
    T(accept_without_descriptors)                                                                            \
    T(accept_cancel)                                                                                         \
    T(recv_waits_and_ends)                                                                                   \
    T(recv_last_is_true)                                                                                     \
    T(recv_last_with_urgent_data)                                                                            \
    T(readable_waits)                                                                                        \
    T(readable_keeps_the_error)                                                                              \
    T(peer_reset)                                                                                            \
    T(send_to_closed_raises_no_signal)                                                                       \
    T(send_bulk_to_slow_reader)                                                                              \
    T(both_directions_at_once)                                                                               \
    T(sendfile_ranges)                                                                                       \
    T(sendfile_to_slow_reader)                                                                               \
    T(shutdown_half)                                                                                         \
    T(cancel_recv)                                                                                           \
    T(cancel_loses_no_bytes)                                                                                 \
    T(cancel_send_and_sendfile)                                                                              \
    T(cancel_inside_done)                                                                                    \
    T(close_and_reuse_inside_done)                                                                           \
    T(free_inside_done)                                                                                      \
    T(more_operations_than_queue)                                                                            \
    T(timers_fire_in_time)                                                                                   \
    T(timers_inside_callbacks)                                                                               \
    T(turn_keeps_to_its_bound)                                                                               \
    T(files_read_and_write)                                                                                  \
    T(watch_eventfd)                                                                                         \
    T(work_runs_off_the_loop)                                                                                \
    T(work_order_and_cancel)                                                                                 \
    T(fairness)                                                                                              \
    T(signals)                                                                                               \
    T(resolve)

#define LAW_PROTOTYPE(name) void law_##name(void **state);
LAW_TESTS(LAW_PROTOTYPE)
#undef LAW_PROTOTYPE

#endif
