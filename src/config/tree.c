#include "config/tree.h"
#include "base/glob.h"
#include "base/suggest.h"
#include "config/fault.h"
#include "config/grow.h"
#include "config/macro.h"
#include "config/value.h"

enum {
    DEPTH_MAX = 128,            /* of Include, as httpd */
    LINE_MAX_BYTES = 256 << 10, /* of one line after ${VAR} was replaced */
    BUDGET = 64 << 20,          /* of all files and replacements together */
    LINE_COST = 256,            /* what a line takes that needs no text of its own: of a macro */
};

struct open_section {
    struct open_section *outer;
    struct node *node;  /* with name and place */
    bool transparent;   /* a condition: what it holds belongs to the section around it */
    struct node *above; /* tree.current before it */
};

/* Where lines come from: a file, or the body of a macro. */
struct feed {
    struct lex *lex; /* NULL: lines */
    const struct lex_line *lines;
    size_t count;
};

static bool next_line(struct feed *f, struct lex_line *line)
{
    if (f->lex)
        return lex_next_line(f->lex, line);
    if (f->count == 0)
        return false;
    *line = *f->lines++;
    f->count--;
    return true;
}

static void read_feed(struct tree *t, struct feed *feed);

struct diag_place node_place(const struct node *n)
{
    return lex_place(&n->line, n->name_at);
}

struct diag_place node_word_place(const struct node *n, size_t i)
{
    return i < n->count ? lex_place(&n->line, n->words[i].at) : node_place(n);
}

struct str node_word(const struct node *n, size_t i)
{
    return i < n->count ? n->words[i].text : STR_NONE;
}

void tree_init(struct tree *t, const struct config_source *source, struct arena *arena,
               struct diag_list *diags)
{
    *t = (struct tree){.source = source, .arena = arena, .diags = diags, .budget = BUDGET};
    t->root.last = &t->root.first;
    t->current = &t->root;
}

static void stop(struct tree *t, struct diag_place place, const char *message)
{
    fault_add(t->diags, DIAG_ERROR, place, "%s", message);
    t->stopped = true;
}

static bool spend(struct tree *t, size_t bytes, struct diag_place place)
{
    if (bytes > t->budget) {
        stop(t, place, "the configuration is larger than 64 MiB");
        return false;
    }
    t->budget -= bytes;
    return true;
}

/* ---- variables ---- */

const struct define *tree_find_define(const struct tree *t, struct str name)
{
    for (size_t i = 0; i < t->defines.count; i++)
        if (str_eq(t->defines.items[i].name, name))
            return &t->defines.items[i];
    return NULL;
}

static void undefine(struct tree *t, struct str name)
{
    const struct define *d = tree_find_define(t, name);

    if (d)
        t->defines.items[d - t->defines.items] = t->defines.items[--t->defines.count];
}

void tree_define(struct tree *t, struct str name, struct str value)
{
    undefine(t, name);
    *GROW(t->arena, t->defines) = (struct define){name, value};
}

static struct str find_variable(const struct tree *t, struct str name)
{
    const struct define *d = tree_find_define(t, name);

    return d && d->value.p ? d->value : t->source->getenv(t->source->context, t->arena, name);
}

/* Replaces each ${NAME}; what is not defined stays as it is, with a warning. Values are not looked at again.
 */
static bool expand(struct tree *t, struct lex_line *line)
{
    struct str s = line->text;
    struct lex_builder b;
    size_t done = 0;

    if (str_find_str(s, STR("${")) < 0)
        return true;
    lex_builder_init(&b, t->arena, line->file);
    for (size_t at = 0; at < s.n;) {
        struct str rest = str_skip(s, at), name, value;
        ptrdiff_t from = str_find_str(rest, STR("${")), length;

        if (from < 0)
            break;
        at += (size_t)from;
        name = str_skip(s, at + 2);
        length = str_find(name, '}');
        if (length < 0)
            break;
        name = str_first(name, (size_t)length);
        value = find_variable(t, name);
        if (!value.p) {
            if (str_find(name, ':') < 0)
                fault_add(t->diags, DIAG_WARNING, lex_place(line, at), "variable \"%.*s\" is not defined",
                          STR_ARG(name));
            at += 2;
            continue;
        }
        lex_builder_copy(&b, line, done, at);
        lex_builder_insert(&b, line, at, value);
        at += name.n + 3;
        done = at;
        if (b.n > LINE_MAX_BYTES) {
            stop(t, lex_place(line, at), "the line is longer than 256 KiB after its variables were replaced");
            return false;
        }
    }
    if (done) {
        lex_builder_copy(&b, line, done, s.n);
        *line = lex_builder_done(&b);
    }
    return spend(t, done ? b.n : 0, lex_place(line, 0));
}

/* ---- nodes ---- */

static void read_words(struct tree *t, struct node *n, size_t at, size_t end)
{
    LIST_OF(struct lex_word) words = {0};
    struct lex_word word;

    while (lex_next_word(t->arena, &n->line, &at, end, &word))
        *GROW(t->arena, words) = word;
    n->words = words.items;
    n->count = words.count;
}

static struct node *make_node(struct tree *t, const struct lex_line *line)
{
    struct node *n = ARENA_NEW(t->arena, struct node);

    n->line = *line;
    n->last = &n->first;
    return n;
}

static void append(struct tree *t, struct node *n)
{
    *t->current->last = n;
    t->current->last = &n->next;
}

/* The name behind '<' or '</': up to a blank or '>'. */
static struct str section_name(struct str text, size_t at)
{
    struct str name = str_skip(text, at);
    size_t n = 0;

    while (n < name.n && name.p[n] != '>' && !lex_is_blank(name.p[n]))
        n++;
    return str_first(name, n);
}

/* Skips the body of a condition that is not met, as text: only sections of the same kind are counted. */
static void skip_body(struct tree *t, struct feed *feed, const struct node *n)
{
    unsigned depth = 1;
    struct lex_line line;

    while (next_line(feed, &line)) {
        bool close;

        if (!str_starts(line.text, STR("<")))
            continue;
        close = line.text.n > 1 && line.text.p[1] == '/';
        if (!str_eq_nocase(section_name(line.text, close ? 2 : 1), n->name))
            continue;
        depth += close ? -1u : 1u;
        if (depth == 0)
            return;
    }
    fault_add(t->diags, DIAG_ERROR, node_place(n), "\"<%.*s>\" is not closed", STR_ARG(n->name));
}

/* Up to </Macro>; macros do not hold others. */
static void read_macro(struct tree *t, struct feed *feed, const struct node *n)
{
    struct macro *m = macro_define(t, n);
    struct lex_line line;

    while (next_line(feed, &line)) {
        bool close = str_starts(line.text, STR("</"));

        if (close && str_eq_nocase(section_name(line.text, 2), STR("Macro")))
            return;
        *GROW(t->arena, m->lines) = line;
    }
    fault_add(t->diags, DIAG_ERROR, node_place(n), "\"<Macro>\" is not closed");
}

static void push(struct tree *t, struct node *n, bool transparent)
{
    struct open_section *open = ARENA_NEW(t->arena, struct open_section);

    *open = (struct open_section){t->open, n, transparent, t->current};
    t->open = open;
    if (!transparent)
        t->current = n;
}

static void pop(struct tree *t)
{
    t->current = t->open->above;
    t->open = t->open->outer;
}

static void open_section(struct tree *t, struct feed *feed, const struct lex_line *line)
{
    struct node *n = make_node(t, line);
    ptrdiff_t end = str_find_last(line->text, '>');

    n->section = true;
    n->name = section_name(line->text, 1);
    n->no_bracket = end < 0;
    if (n->name.n == 0) {
        fault_add(t->diags, DIAG_ERROR, node_place(n), "a section needs a name behind \"<\"");
        return;
    }
    read_words(t, n, 1 + n->name.n, end < 0 ? line->text.n : (size_t)end);
    if (str_eq_nocase(n->name, STR("Macro"))) {
        read_macro(t, feed, n);
    } else if (!condition_is(n->name)) {
        append(t, n);
        push(t, n, false);
    } else if (condition_met(t, n)) {
        push(t, n, true);
    } else {
        skip_body(t, feed, n);
    }
}

/* base: the innermost section that was open before this file. */
static void close_section(struct tree *t, const struct lex_line *line, const struct open_section *base)
{
    struct str name = section_name(line->text, 2);
    struct diag_place place = lex_place(line, 0);
    const struct open_section *match = t->open;
    struct diag *d;

    if (str_find(line->text, '>') < 0)
        fault_add(t->diags, DIAG_ERROR, place, "\"</%.*s\" is missing its closing \">\"", STR_ARG(name));
    if (t->open == base) {
        d = fault_add(t->diags, DIAG_ERROR, place, "\"</%.*s>\" without matching \"<%.*s>\" section",
                      STR_ARG(name), STR_ARG(name));
        if (base)
            fault_hint(t->diags, d, "a file opens and closes whole sections only");
        return;
    }
    while (match != base && !str_eq_nocase(match->node->name, name))
        match = match->outer;
    if (match != t->open) {
        struct str where = fault_where(t->arena, node_place(t->open->node));

        d = fault_add(t->diags, DIAG_ERROR, place, "expected \"</%.*s>\" but saw \"</%.*s>\"",
                      STR_ARG(t->open->node->name), STR_ARG(name));
        fault_hint(t->diags, d, "\"<%.*s>\" was opened at %.*s", STR_ARG(t->open->node->name),
                   STR_ARG(where));
    }
    if (match == base) {
        /* It belongs to nothing: a slip of the pen for the innermost one, or left out. */
        if (suggest_distance(name, t->open->node->name, 4) <= suggest_tolerance(name.n))
            pop(t);
        return;
    }
    while (t->open != match)
        pop(t);
    pop(t);
}

/* ---- directives that act while reading ---- */

static void include_path(struct tree *t, const struct node *n, struct str path, bool optional, bool listed);

static void include_list(struct tree *t, const struct node *n, struct str pattern, bool optional)
{
    struct str *paths;
    size_t count = 0;

    t->source->list(t->source->context, t->arena, pattern, &paths, &count);
    if (count == 0 && !optional) {
        struct diag *d = fault_add(t->diags, DIAG_ERROR, node_word_place(n, 0), "no file matches \"%.*s\"",
                                   STR_ARG(pattern));

        fault_hint(t->diags, d, "IncludeOptional accepts that");
    }
    for (size_t i = 0; i < count && !t->stopped; i++)
        include_path(t, n, paths[i], optional, true);
}

static void include_file(struct tree *t, const struct node *n, struct str path)
{
    struct str text;
    const char *fault = t->source->read_file(t->source->context, t->arena, path, &text);

    if (fault) {
        fault_add(t->diags, DIAG_ERROR, node_word_place(n, 0), "cannot read \"%.*s\": %s", STR_ARG(path),
                  fault);
        return;
    }
    if (++t->depth > DEPTH_MAX)
        stop(t, node_word_place(n, 0), "Include is nested more than 128 deep; does a file include itself?");
    else if (spend(t, text.n, node_word_place(n, 0)))
        tree_read_text(t, path, text);
    t->depth--;
}

static void include_path(struct tree *t, const struct node *n, struct str path, bool optional, bool listed)
{
    if (!listed && glob_is_pattern(path)) {
        include_list(t, n, path, optional);
        return;
    }
    switch (t->source->kind(t->source->context, path)) {
    case PATH_DIRECTORY:
        if (++t->depth > DEPTH_MAX)
            stop(t, node_word_place(n, 0), "directories are nested more than 128 deep");
        else
            include_list(t, n, path, true);
        t->depth--;
        break;
    case PATH_MISSING:
        if (!optional)
            fault_add(t->diags, DIAG_ERROR, node_word_place(n, 0), "cannot read \"%.*s\": no such file",
                      STR_ARG(path));
        break;
    case PATH_FILE:
    case PATH_OTHER:
        include_file(t, n, path);
        break;
    }
}

static void act_include(struct tree *t, const struct node *n)
{
    bool optional = str_eq_nocase(n->name, STR("IncludeOptional"));

    include_path(t, n, value_path(t->arena, t->server_root, n->words[0].text), optional, false);
}

static void act_define(struct tree *t, const struct node *n)
{
    if (str_find(n->words[0].text, ':') >= 0)
        fault_add(t->diags, DIAG_ERROR, node_word_place(n, 0),
                  "the name of a variable must not contain \":\"");
    else
        tree_define(t, n->words[0].text, node_word(n, 1));
}

static void act_undefine(struct tree *t, const struct node *n)
{
    undefine(t, n->words[0].text);
}

static void act_server_root(struct tree *t, const struct node *n)
{
    if (!t->root_fixed)
        t->server_root = value_path(t->arena, t->server_root, n->words[0].text);
}

static void act_use(struct tree *t, const struct node *n)
{
    struct macro *m = macro_find(t, n->words[0].text);
    size_t bytes = 0;
    struct feed feed;

    if (!m) {
        fault_add(t->diags, DIAG_ERROR, node_word_place(n, 0), "there is no macro \"%.*s\"",
                  STR_ARG(n->words[0].text));
        return;
    }
    if (n->count - 1 != m->parameter_count) {
        struct str where = fault_where(t->arena, m->place);
        struct diag *d =
            fault_add(t->diags, DIAG_ERROR, node_word_place(n, 0), "the macro \"%.*s\" takes %zu argument%s",
                      STR_ARG(m->name), m->parameter_count, m->parameter_count == 1 ? "" : "s");

        fault_hint(t->diags, d, "it is defined at %.*s", STR_ARG(where));
        return;
    }
    if (m->busy) {
        fault_add(t->diags, DIAG_ERROR, node_word_place(n, 0), "the macro \"%.*s\" uses itself",
                  STR_ARG(m->name));
        return;
    }
    feed = (struct feed){.lines = macro_expand(t, m, n), .count = m->lines.count};
    for (size_t i = 0; i < feed.count; i++)
        bytes += feed.lines[i].text.n + LINE_COST;
    if (!spend(t, bytes, node_place(n)))
        return;
    m->busy = true;
    read_feed(t, &feed);
    m->busy = false;
}

static void act_undef_macro(struct tree *t, const struct node *n)
{
    if (macro_find(t, n->words[0].text))
        macro_undefine(t, n->words[0].text);
    else
        fault_add(t->diags, DIAG_ERROR, node_word_place(n, 0), "there is no macro \"%.*s\"",
                  STR_ARG(n->words[0].text));
}

static const struct act {
    struct str name;
    size_t min, max; /* arguments */
    bool keep;       /* in the tree too */
    void (*run)(struct tree *t, const struct node *n);
} acts[] = {
    {STR_INIT("Include"), 1, 1, false, act_include},
    {STR_INIT("IncludeOptional"), 1, 1, false, act_include},
    {STR_INIT("Define"), 1, 2, false, act_define},
    {STR_INIT("UnDefine"), 1, 1, false, act_undefine},
    {STR_INIT("ServerRoot"), 1, 1, true, act_server_root},
    {STR_INIT("UndefMacro"), 1, 1, false, act_undef_macro},
    {STR_INIT("Use"), 1, SIZE_MAX, false, act_use},
};

/* True if the directive was one of those and needs no place in the tree. */
static bool act(struct tree *t, const struct node *n)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        const struct act *a = &acts[i];

        if (!str_eq_nocase(n->name, a->name))
            continue;
        if (n->count >= a->min && n->count <= a->max) {
            a->run(t, n);
            return !a->keep;
        }
        if (!a->keep)
            fault_add(t->diags, DIAG_ERROR, node_word_place(n, n->count > a->max ? a->max : n->count),
                      "%.*s takes %s", STR_ARG(a->name),
                      a->max == 1   ? "one argument"
                      : a->max == 2 ? "one or two arguments"
                                    : "the name of a macro");
        return !a->keep;
    }
    return false;
}

static void read_directive(struct tree *t, const struct lex_line *line)
{
    struct node *n = make_node(t, line);
    struct lex_word name;
    size_t at = 0;

    if (!lex_next_word(t->arena, line, &at, line->text.n, &name))
        return;
    n->name = name.text;
    n->name_at = name.at;
    read_words(t, n, at, line->text.n);
    if (!act(t, n))
        append(t, n);
}

static void read_feed(struct tree *t, struct feed *feed)
{
    const struct open_section *base = t->open;
    struct lex_line line;

    while (!t->stopped && next_line(feed, &line)) {
        ptrdiff_t nul = str_find(line.text, '\0');

        if (nul >= 0) {
            fault_add(t->diags, DIAG_ERROR, lex_place(&line, (size_t)nul), "the line holds a NUL byte");
            continue;
        }
        if (!expand(t, &line))
            break;
        if (line.text.n == 0) /* a macro's, or a variable's */
            continue;
        if (line.text.p[0] != '<')
            read_directive(t, &line);
        else if (line.text.n > 1 && line.text.p[1] == '/')
            close_section(t, &line, base);
        else
            open_section(t, feed, &line);
    }
    while (t->open != base) {
        if (!t->stopped)
            fault_add(t->diags, DIAG_ERROR, node_place(t->open->node), "\"<%.*s>\" is not closed",
                      STR_ARG(t->open->node->name));
        pop(t);
    }
}

void tree_read_text(struct tree *t, struct str file, struct str text)
{
    struct lex lex = lex_begin(t->arena, file, text);
    struct feed feed = {.lex = &lex};

    read_feed(t, &feed);
}

void tree_read_file(struct tree *t, struct str path, struct str shown)
{
    struct diag_place nowhere = {.file = shown};
    struct str text;
    const char *fault = t->source->read_file(t->source->context, t->arena, path, &text);

    if (fault)
        stop(t, nowhere, arena_printf(t->arena, "cannot read the configuration: %s", fault).p);
    else if (spend(t, text.n, nowhere))
        tree_read_text(t, shown, text);
}
