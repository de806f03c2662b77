/* main: the program's entry: chooses the subcommand; without one it serves. */
#include "serve/serve.h"
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*main)(int argc, char **argv);
} subcommands[] = {
    {"app", app_main},
    {"call", call_main},
    {"demo", demo_main},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof subcommands / sizeof subcommands[0]; i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return subcommands[i].main(argc - 1, argv + 1);
    return serve_main(argc, argv);
}
