/* log: where messages of the running program go: a sink that the host sets.
 *
 * The core never logs; it says what happened in events. io, listen and serve log here.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/* Apache's levels (LogLevel). */
enum log_level {
    LOG_LEVEL_EMERG,
    LOG_LEVEL_ALERT,
    LOG_LEVEL_CRIT,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_TRACE1,
    LOG_LEVEL_TRACE8 = LOG_LEVEL_TRACE1 + 7,
};

#endif
