#include "serve/options.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

void options_usage(void)
{
    fputs(
        "usage: scgate -f FILE [-t | -S] [-d ROOT] [-D NAME]... [-C \"directive\"]... [-c \"directive\"]...\n"
        "       scgate -v | -V | -L | -h\n"
        "       scgate app ADDRESS | call ADDRESS PATH | demo     (each has --help)\n"
        "\n"
        "  -f FILE         serve by this configuration, in the foreground\n"
        "  -t              check the configuration and stop\n"
        "  -S              show the virtual hosts and mappings of the configuration and stop\n"
        "  -d ROOT         what relative paths start from, unless the file has a ServerRoot\n"
        "  -D NAME         define NAME for <IfDefine>\n"
        "  -C \"directive\"  process this directive before the file\n"
        "  -c \"directive\"  process this directive after the file\n"
        "  -L              list the directives\n"
        "  -v, -V          version; version, engines and limits of this program\n"
        "\n"
        "Signals: TERM and INT stop at once, WINCH finishes what runs and stops.\n",
        stdout);
}

static void add(struct arena *arena, struct str **items, size_t *count, size_t *room, const char *word)
{
    if (*count == *room) {
        struct str *more = ARENA_ARRAY(arena, struct str, *room ? *room * 2 : 8);

        if (*count)
            memcpy(more, *items, *count * sizeof **items);
        *room = *room ? *room * 2 : 8;
        *items = more;
    }
    (*items)[(*count)++] = arena_copy(arena, str_from(word));
}

#define ADD(list, word) add(arena, &(list).items, &(list).count, &(list).room, word)

static int complain(const char *what)
{
    fprintf(stderr, "scgate: %s\nscgate: \"scgate -h\" shows the options\n", what);
    return 2;
}

int options_parse(struct options *o, struct arena *arena, int argc, char **argv)
{
    static const struct option long_options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    char directory[4096];
    int letter;

    *o = (struct options){0};
    while ((letter = getopt_long(argc, argv, "f:d:D:C:c:tSLvVh", long_options, NULL)) != -1) {
        switch (letter) {
        case 'f':
            o->config.file = arena_copy(arena, str_from(optarg));
            break;
        case 'd':
            o->config.server_root = arena_copy(arena, str_from(optarg));
            break;
        case 'D':
            ADD(o->config.defines, optarg);
            break;
        case 'C':
            ADD(o->config.before, optarg);
            break;
        case 'c':
            ADD(o->config.after, optarg);
            break;
        case 't':
            o->check = true;
            break;
        case 'S':
            o->show = true;
            break;
        case 'L':
            o->list_directives = true;
            break;
        case 'v':
            o->version = true;
            break;
        case 'V':
            o->build_facts = true;
            break;
        case 'h':
            o->help = true;
            break;
        default:
            return complain("wrong option");
        }
    }
    if (optind < argc)
        return complain("a word too many on the command line");
    if (!getcwd(directory, sizeof directory))
        return complain("the current directory cannot be read");
    o->config.directory = arena_copy(arena, str_from(directory));
    if (!o->config.file.p && !o->version && !o->build_facts && !o->list_directives && !o->help)
        return complain("no configuration: give -f FILE, or try \"scgate demo\"");
    return 0;
}
