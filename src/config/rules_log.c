/* Logs. */
#include "config/directive.h"
#include "config/fault.h"

/* What both kinds of logs cannot be. True if it was reported. */
static bool refuse_log(const struct scope *s, const struct node *n)
{
    struct str text = n->words[0].text;

    if (str_starts(text, STR("|")))
        scope_error(s, n, 0, "logs to a program are not supported in this release");
    else if (str_eq_nocase(text, STR("syslog")) || str_starts_nocase(text, STR("syslog:")))
        scope_error(s, n, 0, "logs to syslog are not supported in this release");
    else
        return false;
    return true;
}

static void set_error_log(const struct scope *s, const struct directive *row, const struct node *n)
{
    if (!refuse_log(s, n))
        set_path(s, row, n);
}

/* ---- LogLevel ---- */

static const struct keyword levels[] = {
    {"emerg", LOG_LEVEL_EMERG},
    {"alert", LOG_LEVEL_ALERT},
    {"crit", LOG_LEVEL_CRIT},
    {"error", LOG_LEVEL_ERROR},
    {"warn", LOG_LEVEL_WARN},
    {"notice", LOG_LEVEL_NOTICE},
    {"info", LOG_LEVEL_INFO},
    {"debug", LOG_LEVEL_DEBUG},
    {"trace1", LOG_LEVEL_TRACE1},
    {"trace2", LOG_LEVEL_TRACE1 + 1},
    {"trace3", LOG_LEVEL_TRACE1 + 2},
    {"trace4", LOG_LEVEL_TRACE1 + 3},
    {"trace5", LOG_LEVEL_TRACE1 + 4},
    {"trace6", LOG_LEVEL_TRACE1 + 5},
    {"trace7", LOG_LEVEL_TRACE1 + 6},
    {"trace8", LOG_LEVEL_TRACE8},
    {0},
};

static void set_log_level(const struct scope *s, const struct directive *row, const struct node *n)
{
    for (size_t i = 0; i < n->count; i++) {
        struct str level = n->words[i].text, module = STR_NONE;
        const struct keyword *k = levels;

        if (str_find(level, ':') >= 0)
            module = str_until(&level, ':');
        while (k->name && !str_eq_nocase(level, str_from(k->name)))
            k++;
        if (!k->name)
            fault_hint(s->load->diags, scope_error(s, n, i, "unknown log level \"%.*s\"", STR_ARG(level)),
                       "emerg, alert, crit, error, warn, notice, info, debug, trace1 to trace8");
        else if (!module.p)
            s->server->log_level = (enum log_level)k->value;
        else if (scope_first_time(s, row->name))
            scope_warning(s, n, i, "levels of single modules have no effect");
    }
}

/* ---- LogFormat, CustomLog ---- */

/* Parses argument i; false when it is wrong, which is reported at its letter. */
static bool parse_format(const struct scope *s, const struct node *n, size_t i, struct log_format *format)
{
    struct str text = n->words[i].text, line = n->line.text;
    struct diag_place place = node_word_place(n, i);
    size_t offset;
    const char *fault = log_format_parse(s->load->arena, text, format, &offset);

    if (!fault)
        return true;
    if (text.p >= line.p && text.p <= line.p + line.n)
        place = lex_place(&n->line, (size_t)(text.p - line.p) + offset);
    text = str_first(str_skip(text, offset), 12);
    fault_add(s->load->diags, DIAG_ERROR, place, "%s: \"%.*s\"", fault, STR_ARG(text));
    return false;
}

static void set_log_format(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct log_name name = {.server = s->server};

    (void)row;
    if (!parse_format(s, n, 0, &name.format) || n->count < 2)
        return;
    name.name = arena_copy(s->load->arena, n->words[1].text);
    *GROW(s->load->arena, s->load->log_names) = name;
}

static void set_custom_log(const struct scope *s, const struct directive *row, const struct node *n)
{
    (void)row;
    if (refuse_log(s, n))
        return;
    if (n->count == 3 && !str_starts_nocase(n->words[2].text, STR("env=")))
        scope_error(s, n, 2, "the third argument of CustomLog is env=NAME or env=!NAME");
    else
        *GROW(s->load->arena, s->load->custom_logs) = n;
}

/* The newest of that name: of this server, else of the main one. */
static const struct log_name *find_name(const struct scope *s, struct str name)
{
    const struct log_name *found = NULL;

    for (size_t i = 0; i < s->load->log_names.count; i++) {
        const struct log_name *l = &s->load->log_names.items[i];

        if (!str_eq(l->name, name) || (l->server != s->server && l->server != s->load->model->main))
            continue;
        if (!found || l->server == s->server || found->server != s->server)
            found = l;
    }
    return found;
}

static void add_custom_log(const struct scope *s, const struct node *n)
{
    struct custom_log log = {.path = scope_path(s, n, 0)};
    struct str text = n->words[1].text, env = str_skip(node_word(n, 2), 4);
    const struct log_name *name = find_name(s, text);

    if (name) {
        log.format = name->format;
    } else if (str_find(text, '%') < 0) {
        fault_hint(s->load->diags, scope_error(s, n, 1, "no LogFormat is named \"%.*s\"", STR_ARG(text)),
                   "e.g. LogFormat \"%%h %%l %%u %%t \\\"%%r\\\" %%>s %%b\" %.*s", STR_ARG(text));
        return;
    } else if (!parse_format(s, n, 1, &log.format)) {
        return;
    }
    if (n->count == 3) {
        log.env_not = str_starts(env, STR("!"));
        log.env = arena_copy(s->load->arena, str_skip(env, log.env_not));
    }
    *GROW(s->load->arena, s->server->custom_logs) = log;
}

/* A virtual host with logs of its own does not write the main server's. */
void rules_finish_logs(const struct scope *s)
{
    if (s->load->custom_logs.count) {
        s->server->custom_logs.items = NULL;
        s->server->custom_logs.count = s->server->custom_logs.room = 0;
    }
    for (size_t i = 0; i < s->load->custom_logs.count; i++)
        add_custom_log(s, s->load->custom_logs.items[i]);
}

/* clang-format off */
static const struct directive rows[] = {
    {STR_INIT("CustomLog"), IN_HOST, 2, 3, set_custom_log, "CustomLog file-path format|name [env=[!]variable]",
     "Writes a line for each request"},
    {STR_INIT("ErrorLog"), IN_HOST, 1, 1, set_error_log, "ErrorLog file-path",
     "Where messages go; standard error by default", SERVER_FIELD(error_log)},
    {STR_INIT("LogFormat"), IN_HOST, 1, 2, set_log_format, "LogFormat format [name]",
     "Names a format for CustomLog"},
    {STR_INIT("LogLevel"), IN_HOST, 1, ANY_NUMBER, set_log_level, "LogLevel level",
     "How much goes to the ErrorLog"},
};
/* clang-format on */

const struct rule_group rules_log = RULE_GROUP(rows);
