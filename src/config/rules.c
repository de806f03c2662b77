/* The table as a whole, and the setters that many rows share. */
#include "base/suggest.h"
#include "config/directive.h"
#include "config/fault.h"
#include "config/value.h"

#include <stdarg.h>
#include <stdio.h>

static const struct rule_group *const groups[] = {&rules_server, &rules_section, &rules_alias,  &rules_proxy,
                                                  &rules_env,    &rules_dir,     &rules_access, &rules_header,
                                                  &rules_log,    &rules_other};

enum { GROUPS = sizeof groups / sizeof *groups };

static const struct directive *row_at(size_t index)
{
    for (size_t g = 0; g < GROUPS; g++) {
        if (index < groups[g]->count)
            return &groups[g]->rows[index];
        index -= groups[g]->count;
    }
    return NULL;
}

const struct directive *rules_find(struct str name, bool section)
{
    const struct directive *row;

    for (size_t i = 0; (row = row_at(i)) != NULL; i++)
        if (row->section == section && str_eq_nocase(row->name, name))
            return row;
    return NULL;
}

struct str rules_suggest(struct arena *arena, struct str name, bool section)
{
    unsigned best = suggest_tolerance(name.n) + 1;
    struct str nearest = STR_NONE;
    const struct directive *row;

    for (size_t i = 0; (row = row_at(i)) != NULL; i++) {
        unsigned distance = row->section == section ? suggest_distance(name, row->name, best) : best;

        if (distance < best) {
            best = distance;
            nearest = row->name;
        }
    }
    if (nearest.p && section)
        nearest = ARENA_CONCAT(arena, STR("<"), nearest, STR(">"));
    return nearest;
}

struct str rules_contexts(unsigned contexts)
{
    static const struct str names[ANYWHERE + 1] = {
        [IN_SERVER] = STR_INIT("server config"),
        [IN_VHOST] = STR_INIT("virtual host"),
        [IN_HOST] = STR_INIT("server config, virtual host"),
        [IN_LOCATION] = STR_INIT("<Location>"),
        [IN_DIRECTORY] = STR_INIT("<Directory>"),
        [IN_SECTION] = STR_INIT("directory"),
        [IN_HOST | IN_LOCATION] = STR_INIT("server config, virtual host, <Location>"),
        [IN_HOST | IN_DIRECTORY] = STR_INIT("server config, virtual host, <Directory>"),
        [ANYWHERE] = STR_INIT("server config, virtual host, directory"),
    };

    return names[contexts & ANYWHERE];
}

size_t config_directive_count(void)
{
    size_t n = 0;

    for (size_t g = 0; g < GROUPS; g++)
        n += groups[g]->count;
    return n;
}

struct directive_info config_directive(size_t index)
{
    const struct directive *row = row_at(index);

    return (struct directive_info){
        .name = row->name,
        .section = row->section,
        .syntax = str_from(row->syntax),
        .contexts = rules_contexts(row->contexts),
        .help = str_from(row->help),
        .effect = row->set == set_refused                                ? DIRECTIVE_REFUSED
                  : row->set == set_ignored || row->set == set_no_effect ? DIRECTIVE_IGNORED
                                                                         : DIRECTIVE_EFFECTIVE,
    };
}

/* ---- helpers of setters ---- */

struct diag *scope_error(const struct scope *s, const struct node *n, size_t i, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fault_add(s->load->diags, DIAG_ERROR, node_word_place(n, i), "%s", text);
}

struct diag *scope_warning(const struct scope *s, const struct node *n, size_t i, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fault_add(s->load->diags, DIAG_WARNING, node_word_place(n, i), "%s", text);
}

bool scope_first_time(const struct scope *s, struct str name)
{
    for (size_t i = 0; i < s->load->warned.count; i++)
        if (str_eq(s->load->warned.items[i], name))
            return false;
    *GROW(s->load->arena, s->load->warned) = name;
    return true;
}

/* The place of byte `offset` of argument i: the reverse of how the lexer takes quote and backslashes off. */
static struct diag_place place_in_word(const struct node *n, size_t i, size_t offset)
{
    const struct lex_word *word = &n->words[i];
    struct str raw = str_first(str_skip(n->line.text, word->at), word->end - word->at);
    char quote = raw.n && (raw.p[0] == '"' || raw.p[0] == '\'') ? raw.p[0] : '\0';
    size_t at = quote != '\0';

    for (; offset && at < raw.n; offset--) {
        char next = at + 1 < raw.n ? raw.p[at + 1] : '\0';

        at += raw.p[at] == '\\' && next && (next == '\\' || next == quote) ? 2 : 1;
    }
    return lex_place(&n->line, word->at + at);
}

const struct regex *scope_regex(const struct scope *s, const struct node *n, size_t i, bool nocase)
{
    struct str error;
    size_t offset;
    struct regex *r = regex_compile(s->load->arena, n->words[i].text, nocase, &error, &offset);

    if (r) {
        *GROW(s->load->arena, s->load->model->regexes) = r;
        return r;
    }
    fault_add(s->load->diags, DIAG_ERROR, place_in_word(n, i, offset),
              "the expression cannot be compiled: %.*s", STR_ARG(error));
    return NULL;
}

const struct expr *scope_expr_part(const struct scope *s, const struct node *n, size_t i, size_t skip,
                                   bool value)
{
    struct str text = str_skip(n->words[i].text, skip);
    struct expr_fault fault;
    struct expr *e =
        value ? expr_compile_text(s->load->arena, text, &fault) : expr_compile(s->load->arena, text, &fault);
    struct diag *d;

    if (e) {
        *GROW(s->load->arena, s->load->model->exprs) = e;
        return e;
    }
    d = fault_add(s->load->diags, DIAG_ERROR, place_in_word(n, i, skip + fault.offset), "%.*s",
                  STR_ARG(fault.message));
    if (fault.hint.p)
        fault_hint(s->load->diags, d, "%.*s", STR_ARG(fault.hint));
    return NULL;
}

const struct expr *scope_expr(const struct scope *s, const struct node *n, size_t i)
{
    return scope_expr_part(s, n, i, 0, false);
}

struct str scope_path(const struct scope *s, const struct node *n, size_t i)
{
    return value_path(s->load->arena, s->load->model->server_root, n->words[i].text);
}

/* ---- typed setters ---- */

static void *field(const struct scope *s, const struct directive *row)
{
    switch (row->owner) {
    case FIELD_OF_SERVER:
        return (char *)s->server + row->offset;
    case FIELD_OF_DIR:
        return (char *)s->dir + row->offset;
    case FIELD_OF_MODEL:
        break;
    }
    return (char *)s->load->model + row->offset;
}

static void put_number(const struct scope *s, const struct directive *row, int64_t value)
{
    int small = (int)value;

    memcpy(field(s, row), row->size == sizeof value ? (void *)&value : &small, row->size);
}

void set_flag(const struct scope *s, const struct directive *row, const struct node *n)
{
    int flag;

    if (value_flag(n->words[0].text, &flag))
        put_number(s, row, flag);
    else
        scope_error(s, n, 0, "%.*s must be On or Off", STR_ARG(row->name));
}

void set_time(const struct scope *s, const struct directive *row, const struct node *n)
{
    int64_t ms;

    if (!value_time(n->words[0].text, row->high, &ms))
        fault_hint(s->load->diags, scope_error(s, n, 0, "\"%.*s\" is not a time", STR_ARG(n->words[0].text)),
                   "a number with or without a unit: ms, s, min, h");
    else if (ms < row->low)
        scope_error(s, n, 0, "%.*s must be at least %lld ms", STR_ARG(row->name), (long long)row->low);
    else
        put_number(s, row, ms);
}

/* A number out of bounds is clamped, one that is none leaves the default, as httpd accepts both. */
void set_number(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct str text = n->words[0].text;
    int64_t value;

    if (!value_integer(text, &value)) {
        scope_warning(s, n, 0, "\"%.*s\" is not a number; the default stays", STR_ARG(text));
    } else if (value < 0 && row->low >= 0) {
        scope_error(s, n, 0, "%.*s must not be negative", STR_ARG(row->name));
    } else if (value < row->low || value > row->high) {
        value = value < row->low ? row->low : row->high;
        scope_warning(s, n, 0, "%.*s is out of bounds; %lld is used", STR_ARG(row->name), (long long)value);
        put_number(s, row, value);
    } else {
        put_number(s, row, value);
    }
}

static void put_text(const struct scope *s, const struct directive *row, struct str text)
{
    text = arena_copy(s->load->arena, text);
    memcpy(field(s, row), &text, sizeof text);
}

void set_text(const struct scope *s, const struct directive *row, const struct node *n)
{
    put_text(s, row, n->words[0].text);
}

void set_path(const struct scope *s, const struct directive *row, const struct node *n)
{
    put_text(s, row, scope_path(s, n, 0));
}

/* "Off, On or DNS" */
static struct str keyword_names(struct arena *arena, const struct keyword *keywords)
{
    struct str names = STR("");

    for (const struct keyword *k = keywords; k->name; k++) {
        struct str between = k == keywords ? STR("") : k[1].name ? STR(", ") : STR(" or ");

        names = ARENA_CONCAT(arena, names, between, str_from(k->name));
    }
    return names;
}

static const struct keyword *find_keyword(const struct scope *s, const struct directive *row,
                                          const struct node *n)
{
    struct str text = n->words[0].text, names;

    for (const struct keyword *k = row->keywords; k->name; k++)
        if (str_eq_nocase(text, str_from(k->name)))
            return k;
    names = keyword_names(s->load->arena, row->keywords);
    scope_error(s, n, 0, "%.*s must be %.*s", STR_ARG(row->name), STR_ARG(names));
    return NULL;
}

void set_keyword(const struct scope *s, const struct directive *row, const struct node *n)
{
    const struct keyword *k = find_keyword(s, row, n);

    if (k)
        put_number(s, row, k->value);
}

void set_ignored(const struct scope *s, const struct directive *row, const struct node *n)
{
    if (row->keywords && !find_keyword(s, row, n))
        return;
    if (scope_first_time(s, row->name))
        *GROW(s->load->arena, s->load->model->ignored) = row->name;
}

/* A keyword of value 0 asks for nothing. */
void set_no_effect(const struct scope *s, const struct directive *row, const struct node *n)
{
    const struct keyword *k = row->keywords ? find_keyword(s, row, n) : NULL;

    if (row->keywords && (!k || k->value == 0))
        return;
    if (scope_first_time(s, row->name))
        fault_add(s->load->diags, DIAG_WARNING, node_place(n), "%.*s has no effect: %s", STR_ARG(row->name),
                  row->help);
}

void set_refused(const struct scope *s, const struct directive *row, const struct node *n)
{
    const char *bracket = row->section ? "<" : "", *end = row->section ? ">" : "";

    fault_add(s->load->diags, DIAG_ERROR, node_place(n), "%s%.*s%s is not supported in this release: %s",
              bracket, STR_ARG(row->name), end, row->help);
}
