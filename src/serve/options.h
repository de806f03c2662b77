/* options: the server's command line, with httpd's letters. */
#ifndef SERVE_OPTIONS_H
#define SERVE_OPTIONS_H

#include "config/load.h"

struct options {
    struct config_options config;
    bool check;           /* -t */
    bool show;            /* -S */
    bool list_directives; /* -L */
    bool version;         /* -v */
    bool build_facts;     /* -V */
    bool help;
};

/* 0, or the exit status after a message on standard error. Texts from the arena. */
int options_parse(struct options *o, struct arena *arena, int argc, char **argv);
void options_usage(void);

#endif
