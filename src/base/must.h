/* must: assertions that stay on.
 *
 * A condition that fails here is a bug of this program, never a peer's or a user's fault: the process
 * ends by abort() and is restarted by whoever runs it. The host may set must_report to have the message
 * written somewhere before that.
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

/* Called once with "file:line: function: condition" before abort(); NULL by default. */
extern void (*must_report)(const char *message);

_Noreturn void must_fail(const char *condition, const char *file, int line, const char *function);

#define must(condition) ((condition) ? (void)0 : must_fail(#condition, __FILE__, __LINE__, __func__))

#endif
