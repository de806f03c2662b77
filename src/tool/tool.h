/* tool: the subcommands that are not the server.
 *
 * Each is given the words from its own name on (argv[0] is "app", "call" or "demo") and returns the status to
 * exit with; 2 always means that the command line was wrong.
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

/* scgate app ADDRESS: a sample SCGI application (app.h). */
int app_main(int argc, char **argv);

/* scgate call ADDRESS PATH: one request to an SCGI application (call.c). */
int call_main(int argc, char **argv);

/* scgate demo: the sample application and the gateway in one, without a configuration (demo.c). */
int demo_main(int argc, char **argv);

enum { TOOL_USAGE = 2 }; /* the exit status of a wrong command line */

/* Prints "scgate NAME: message" on standard error, for TOOL_USAGE also how to get help; returns status. */
__attribute__((format(printf, 3, 4))) int tool_fail(const char *name, int status, const char *format, ...);

#endif
