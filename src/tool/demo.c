#include "tool/tool.h"

#include <stdio.h>

int demo_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fputs("scgate demo: not yet\n", stderr);
    return 1;
}
