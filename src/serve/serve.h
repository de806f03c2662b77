/* serve: the server itself: `scgate -f FILE`. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

/* The command line as main() got it. Exit status: 0 stopped in order, 1 a fault of configuration or system, 2
 * a wrong command line. */
int serve_main(int argc, char **argv);

#endif
