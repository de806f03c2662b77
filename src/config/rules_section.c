/* Sections: what covers a part of the requests, and is merged when one of them comes. */
#include "base/glob.h"
#include "config/directive.h"
#include "config/fault.h"
#include "config/value.h"

/* Named groups become MATCH_NAME, with the name in upper case. */
static void name_groups(const struct scope *s, const struct node *n, size_t i, struct section *section)
{
    struct arena *arena = s->load->arena;
    struct str name;
    unsigned group;

    for (size_t k = 0; regex_named_group(section->regex, k, &name, &group); k++) {
        char *upper = arena_alloc(arena, name.n + 1);

        if (group >= REGEX_GROUPS_MAX) {
            scope_warning(s, n, i, "the group \"%.*s\" is not among the first nine: it sets no variable",
                          STR_ARG(name));
            continue;
        }
        for (size_t c = 0; c < name.n; c++)
            upper[c] = ascii_upper(name.p[c]);
        *GROW(arena, section->names) =
            (struct section_name){ARENA_CONCAT(arena, STR("MATCH_"), str_make(upper, name.n)), group};
    }
}

/* An IPv6 address in a URL is no pattern for its brackets. */
static bool is_pattern(struct str text)
{
    struct str rest = text;
    ptrdiff_t open = str_find_str(text, STR("://[")), end = str_find(text, ']');

    if (open >= 0 && end > open && value_is_ipv6(str_make(text.p + open + 4, (size_t)(end - open) - 4)))
        rest = str_skip(text, (size_t)end);
    return glob_is_pattern(rest);
}

/* [~] pattern: fills kind, pattern and regex. False when it is wrong, which is reported. */
static bool section_pattern(const struct scope *s, const struct directive *row, const struct node *n,
                            struct section *out)
{
    bool match = row->low != 0, tilde = str_eq(n->words[0].text, STR("~"));
    size_t at = tilde;

    if (n->count != at + 1) {
        scope_error(s, n, n->count > at + 1 ? at + 1 : n->count, "<%.*s> takes one argument",
                    STR_ARG(row->name));
        return false;
    }
    out->pattern = arena_copy(s->load->arena, n->words[at].text);
    if (!tilde && !match) {
        out->kind = is_pattern(out->pattern) ? SECTION_GLOB : SECTION_PATH;
        return true;
    }
    out->kind = SECTION_REGEX;
    out->regex = scope_regex(s, n, at, false);
    if (out->regex)
        name_groups(s, n, at, out);
    return out->regex != NULL;
}

static void begin_section(const struct node *n, struct section *out)
{
    *out = (struct section){.place = node_place(n)};
    dir_config_init(&out->config);
}

/* Its directives are looked at even when its own argument is wrong. */
static void run_section(const struct scope *s, unsigned context, const struct node *n,
                        struct section *section)
{
    struct scope inner = {s->load, s->server, &section->config, section, context};

    scope_run(&inner, n->first);
    section->id = s->load->next_section++;
}

static void set_location(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct section section;
    bool good;

    begin_section(n, &section);
    good = section_pattern(s, row, n, &section);
    run_section(s, IN_LOCATION, n, &section);
    if (good)
        *GROW(s->load->arena, s->server->locations) = section;
}

static void set_directory(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct section section;
    bool good;

    begin_section(n, &section);
    good = section_pattern(s, row, n, &section);
    if (good && section.kind != SECTION_REGEX) {
        struct str path = value_path(s->load->arena, s->load->model->server_root, section.pattern);

        section.pattern = path.n > 1 && path.p[path.n - 1] == '/' ? str_first(path, path.n - 1) : path;
    }
    run_section(s, IN_DIRECTORY, n, &section);
    if (good)
        *GROW(s->load->arena, s->server->directories) = section;
}

static void set_files(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct section *section = ARENA_NEW(s->load->arena, struct section);
    bool good;

    begin_section(n, section);
    good = section_pattern(s, row, n, section);
    run_section(s, IN_FILES, n, section);
    if (good)
        *GROW(s->load->arena, s->dir->files) = section;
}

/* ---- <Proxy> ---- */

/* <Proxy url key=value ...> sets parameters of the backend. */
static bool proxy_parameters(const struct scope *s, const struct node *n, const struct section *section)
{
    struct str text = n->words[0].text;
    struct diag *d;

    if (n->count > 1 && (section->kind == SECTION_GLOB || str_find_str(text, STR("://")) < 0)) {
        d = scope_error(s, n, 1, "parameters need the URL of one backend");
        fault_hint(s->load->diags, d, "<Proxy \"scgi://host:port/\" timeout=5>");
        return false;
    }
    return n->count == 1 || set_proxy_parameters(s, n, 0);
}

static void set_proxy(const struct scope *s, const struct directive *row, const struct node *n)
{
    bool regex = row->low != 0 || str_eq(node_word(n, 0), STR("~"));
    struct section section;
    bool good = true;

    if (str_starts_nocase(node_word(n, 0), STR("balancer:"))) {
        fault_hint(s->load->diags, scope_error(s, n, 0, "balancers are not supported in this release"),
                   "name one backend with ProxyPass: scgi://host:port/");
        return;
    }
    begin_section(n, &section);
    if (n->count == 0 && !regex) { /* httpd takes that as the beginning of each URL */
        section.pattern = STR("");
    } else if (regex) {
        good = section_pattern(s, row, n, &section);
    } else {
        section.pattern = arena_copy(s->load->arena, n->words[0].text);
        section.kind = is_pattern(section.pattern) ? SECTION_GLOB : SECTION_PATH;
        good = proxy_parameters(s, n, &section);
    }
    run_section(s, IN_PROXY, n, &section);
    if (good)
        *GROW(s->load->arena, s->server->proxies) = section;
}

/* ---- <If> ---- */

/* An <ElseIf> or <Else> continues what stands before it in the same scope. */
static bool continues(const struct scope *s, const struct directive *row, const struct node *n)
{
    size_t count = s->dir->ifs.count;
    struct diag *d;

    if (count && s->dir->ifs.items[count - 1]->expr)
        return true;
    d = fault_add(s->load->diags, DIAG_ERROR, node_place(n), "<%.*s> without <If> before it",
                  STR_ARG(row->name));
    fault_hint(s->load->diags, d, "<If> or <ElseIf> must stand before it in the same section");
    return false;
}

enum { IF, ELSE_IF, ELSE };

static void set_if(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct section *section = ARENA_NEW(s->load->arena, struct section);
    bool good = row->low == IF || continues(s, row, n);

    begin_section(n, section);
    section->kind = SECTION_IF;
    section->otherwise = row->low != IF;
    if (row->low != ELSE) {
        section->expr = scope_expr(s, n, 0);
        good = good && section->expr;
    }
    run_section(s, IN_IF, n, section);
    if (good)
        *GROW(s->load->arena, s->dir->ifs) = section;
}

/* clang-format off */
static const struct directive rows[] = {
    {STR_INIT("Directory"), IN_HOST, 1, 2, set_directory, "<Directory [~] directory-path>",
     "For the files below a directory", .section = true},
    {STR_INIT("DirectoryMatch"), IN_HOST, 1, 2, set_directory, "<DirectoryMatch regex>",
     "For the files of directories that match", .section = true, .low = 1},
    {STR_INIT("Else"), ANYWHERE, 0, 0, set_if, "<Else>",
     "For requests that no <If> and <ElseIf> before it took", .section = true, .low = ELSE},
    {STR_INIT("ElseIf"), ANYWHERE, 1, 1, set_if, "<ElseIf expression>",
     "The same, if the expression holds", .section = true, .low = ELSE_IF},
    {STR_INIT("Files"), IN_HOST | IN_DIRECTORY, 1, 2, set_files, "<Files [~] file-name>",
     "For files of a name, wherever they are", .section = true},
    {STR_INIT("FilesMatch"), IN_HOST | IN_DIRECTORY, 1, 2, set_files, "<FilesMatch regex>",
     "For files whose names match", .section = true, .low = 1},
    {STR_INIT("If"), ANYWHERE, 1, 1, set_if, "<If expression>",
     "For requests that the expression holds for", .section = true, .low = IF},
    {STR_INIT("Location"), IN_HOST, 1, 2, set_location, "<Location [~] URL-path>",
     "For requests of paths", .section = true},
    {STR_INIT("LocationMatch"), IN_HOST, 1, 2, set_location, "<LocationMatch regex>",
     "For requests of paths that match", .section = true, .low = 1},
    {STR_INIT("Proxy"), IN_HOST, 0, ANY_NUMBER, set_proxy, "<Proxy [~] url [key=value ...]>",
     "For requests that go to backends whose URL begins so; with key=value: sets parameters of the backend", .section = true},
    {STR_INIT("ProxyMatch"), IN_HOST, 1, 1, set_proxy, "<ProxyMatch regex>",
     "For requests that go to backends whose URL matches", .section = true, .low = 1},
};
/* clang-format on */

const struct rule_group rules_section = RULE_GROUP(rows);
