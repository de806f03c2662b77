/* directive: the table form. Each directive and section of the language is one row: name, where it may stand,
 * how many arguments it takes, what sets it, its syntax and one line of help.
 *
 * Most rows need no function of their own: they name a field of the model by offset, and one of the typed
 * setters below (flag, time, number, text, path, keyword). A setter is called only when the place and the
 * number of arguments are right; it reports what else is wrong and goes on.
 *
 *     {STR_INIT("KeepAlive"), IN_HOST, 1, 1, set_flag, "KeepAlive On|Off", "Keep connections of clients
 * open", SERVER_FIELD(keep_alive)}
 */
#ifndef CONFIG_DIRECTIVE_H
#define CONFIG_DIRECTIVE_H

#include "config/grow.h"
#include "config/load.h"
#include "config/tree.h"

enum {
    IN_SERVER = 1 << 0, /* outside of all sections */
    IN_VHOST = 1 << 1,
    IN_DIRECTORY = 1 << 2,
    IN_LOCATION = 1 << 3,
    IN_FILES = 1 << 4,
    IN_PROXY = 1 << 5,
    IN_IF = 1 << 6,
    IN_REQUIRE = 1 << 7, /* in <RequireAll> and the like */
    IN_HOST = IN_SERVER | IN_VHOST,
    IN_SECTION = IN_DIRECTORY | IN_LOCATION | IN_FILES | IN_PROXY | IN_IF,
    ANYWHERE = IN_HOST | IN_SECTION,
};

enum { ANY_NUMBER = -1 };

struct load;
struct directive;

/* Where a directive stands: what it may change. */
struct scope {
    struct load *load;
    struct server *server;
    struct dir_config *dir;
    struct section *section; /* NULL outside of <Location>, <Directory> and the like */
    unsigned context;        /* one of IN_... */
    struct require *require; /* in <RequireAll> and the like: that one */
};

typedef void directive_set(const struct scope *scope, const struct directive *row, const struct node *node);

struct keyword {
    const char *name; /* NULL ends the list */
    int value;
};

enum field_owner { FIELD_OF_MODEL, FIELD_OF_SERVER, FIELD_OF_DIR };

struct directive {
    struct str name;
    unsigned contexts;
    signed char min, max; /* arguments; ANY_NUMBER */
    directive_set *set;
    const char *syntax; /* whole, e.g. "KeepAlive On|Off" */
    const char *help;   /* one line; of what is refused or without effect: why */
    /* of the typed setters */
    enum field_owner owner;
    size_t offset, size;
    int64_t low, high; /* number: the bounds; time: in ms, high being what bare digits count */
    const struct keyword *keywords;
    bool section;
    bool early; /* acts before all others: paths depend on it */
};

#define MODEL_FIELD(member)                                                                                  \
    .owner = FIELD_OF_MODEL, .offset = offsetof(struct model, member),                                       \
    .size = sizeof(((struct model *)0)->member)
#define SERVER_FIELD(member)                                                                                 \
    .owner = FIELD_OF_SERVER, .offset = offsetof(struct server, member),                                     \
    .size = sizeof(((struct server *)0)->member)
#define DIR_FIELD(member)                                                                                    \
    .owner = FIELD_OF_DIR, .offset = offsetof(struct dir_config, member),                                    \
    .size = sizeof(((struct dir_config *)0)->member)

/* ---- the table (rules.c), in parts by subject ---- */

struct rule_group {
    const struct directive *rows;
    size_t count;
};
extern const struct rule_group rules_server, rules_section, rules_alias, rules_proxy, rules_env, rules_dir,
    rules_access, rules_header, rules_log, rules_other;

#define RULE_GROUP(rows)                                                                                     \
    {                                                                                                        \
        (rows), sizeof(rows) / sizeof *(rows)                                                                \
    }

/* The row of a name, without case; NULL when there is none. */
const struct directive *rules_find(struct str name, bool section);
/* The name that was probably meant; absent when none is near. */
struct str rules_suggest(struct arena *arena, struct str name, bool section);
/* "server config, virtual host" */
struct str rules_contexts(unsigned contexts);

/* ---- what loading keeps beside the model ---- */

struct log_name { /* LogFormat FORMAT NAME */
    const struct server *server;
    struct str name;
    struct log_format format;
};

struct known_backend {
    struct str url; /* canonical, with the path */
    struct backend *backend;
    struct diag_place place;
};

struct load {
    const struct config_source *source;
    struct arena *arena;
    struct diag_list *diags;
    struct model *model;
    LIST_OF(const struct node *) hosts;       /* <VirtualHost>, to be done after the main server */
    LIST_OF(const struct node *) custom_logs; /* of the server that is being loaded */
    LIST_OF(struct log_name) log_names;
    LIST_OF(struct known_backend) backends;
    LIST_OF(struct str) warned;        /* names whose one warning was given */
    const struct node *types_config;   /* NULL when not given */
    const struct node *proxy_requests; /* the line that turned it on in the server being loaded */
    unsigned next_section;
};

/* ---- for setters ---- */

/* A fault at argument i of the node (at its name when there is none). */
__attribute__((format(printf, 4, 5))) struct diag *scope_error(const struct scope *s, const struct node *n,
                                                               size_t i, const char *format, ...);
__attribute__((format(printf, 4, 5))) struct diag *scope_warning(const struct scope *s, const struct node *n,
                                                                 size_t i, const char *format, ...);
/* True the first time that it is asked for this name. */
bool scope_first_time(const struct scope *s, struct str name);
/* Argument i as an expression that the model owns; NULL when it is wrong (then reported). */
const struct regex *scope_regex(const struct scope *s, const struct node *n, size_t i, bool nocase);
/* Argument i as an expression of src/expr; the same. */
const struct expr *scope_expr(const struct scope *s, const struct node *n, size_t i);
/* The same of argument i without its first bytes; value: its value is a text, not true or false. */
const struct expr *scope_expr_part(const struct scope *s, const struct node *n, size_t i, size_t skip,
                                   bool value);
/* Argument i as an absolute path below ServerRoot. */
struct str scope_path(const struct scope *s, const struct node *n, size_t i);
/* All that stands in a section, in a scope of its own (build.c). */
void scope_run(const struct scope *s, const struct node *first);

directive_set set_flag, set_time, set_number, set_text, set_path, set_keyword;
/* Accepted: named once in model.ignored; with one warning. Not accepted: the help is the reason. */
directive_set set_ignored, set_no_effect, set_refused;

/* <Proxy url key=value ...>: argument i is the URL (rules_proxy.c). False when it is wrong. */
bool set_proxy_parameters(const struct scope *s, const struct node *n, size_t i);

/* The addresses of <VirtualHost> (rules_server.c). */
void set_host_addresses(const struct scope *s, const struct node *n);

/* Formats of access logs (logformat.c): NULL, or what is wrong at *offset. */
const char *log_format_parse(struct arena *arena, struct str text, struct log_format *format, size_t *offset);
/* After all of a server was read: its CustomLogs, whose LogFormat may stand behind them. */
void rules_finish_logs(const struct scope *s);
/* TypesConfig. */
void rules_load_types(const struct scope *s);

#endif
