/* The sections that are decided while reading: <IfModule>, <IfDefine>, <IfVersion>, <IfFile>, <IfDirective>,
 * <IfSection>. */
#include "config/directive.h"
#include "config/fault.h"
#include "config/value.h"

/* The httpd whose language this is: what <IfVersion> compares with. */
static const uint64_t version[3] = {2, 4, 71};

/* What scgate does itself of httpd's modules: identifier and file name. */
static const struct module {
    struct str identifier, file;
} modules[] = {
    {STR_INIT("core_module"), STR_INIT("core.c")},
    {STR_INIT("http_module"), STR_INIT("http_core.c")},
    {STR_INIT("so_module"), STR_INIT("mod_so.c")},
    {STR_INIT("version_module"), STR_INIT("mod_version.c")},
    {STR_INIT("unixd_module"), STR_INIT("mod_unixd.c")},
    {STR_INIT("log_config_module"), STR_INIT("mod_log_config.c")},
    {STR_INIT("logio_module"), STR_INIT("mod_logio.c")},
    {STR_INIT("authz_core_module"), STR_INIT("mod_authz_core.c")},
    {STR_INIT("env_module"), STR_INIT("mod_env.c")},
    {STR_INIT("setenvif_module"), STR_INIT("mod_setenvif.c")},
    {STR_INIT("macro_module"), STR_INIT("mod_macro.c")},
    {STR_INIT("mime_module"), STR_INIT("mod_mime.c")},
    {STR_INIT("dir_module"), STR_INIT("mod_dir.c")},
    {STR_INIT("alias_module"), STR_INIT("mod_alias.c")},
    {STR_INIT("proxy_module"), STR_INIT("mod_proxy.c")},
    {STR_INIT("proxy_scgi_module"), STR_INIT("mod_proxy_scgi.c")},
};

static bool is_module(struct str name)
{
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (str_eq(name, modules[i].identifier) || str_eq(name, modules[i].file))
            return true;
    return false;
}

/* Takes a "!" off the first argument. */
static bool take_not(struct str *s)
{
    if (s->n == 0 || s->p[0] != '!')
        return false;
    *s = str_skip(*s, 1);
    return true;
}

static bool if_module(struct tree *t, const struct node *n)
{
    struct str name = n->words[0].text;
    bool negate = take_not(&name);

    (void)t;
    return is_module(name) != negate;
}

static bool if_define(struct tree *t, const struct node *n)
{
    struct str name = n->words[0].text;
    bool negate = take_not(&name);

    return (tree_find_define(t, name) != NULL) != negate;
}

/* What is refused is not there. */
static bool is_known(struct str name, bool section)
{
    const struct directive *row = rules_find(name, section);

    return row && row->set != set_refused;
}

static bool if_directive(struct tree *t, const struct node *n)
{
    struct str name = n->words[0].text;
    bool negate = take_not(&name);

    (void)t;
    return is_known(name, false) != negate;
}

static bool if_section(struct tree *t, const struct node *n)
{
    struct str name = n->words[0].text;
    bool negate = take_not(&name);

    (void)t;
    return is_known(name, true) != negate;
}

static bool if_file(struct tree *t, const struct node *n)
{
    struct str path = n->words[0].text;
    bool negate = take_not(&path);

    path = value_path(t->arena, t->server_root, path);
    return (t->source->kind(t->source->context, path) != PATH_MISSING) != negate;
}

/* -1, 0, 1: our version against "2", "2.4" or "2.4.71" (missing parts count as 0); -2 when malformed. */
static int compare_version(struct str text)
{
    int result = 0;

    for (int i = 0; i < 3; i++) {
        uint64_t part = 0;

        if (text.p && !str_to_u64(str_until(&text, '.'), UINT32_MAX, &part))
            return -2;
        if (result == 0)
            result = version[i] < part ? -1 : version[i] > part;
    }
    return text.p ? -2 : result;
}

static bool match_version(struct tree *t, const struct node *n, size_t i, struct str pattern)
{
    struct str error;
    struct regex *r;
    size_t offset;
    bool met;

    if (pattern.n >= 2 && pattern.p[0] == '/' && pattern.p[pattern.n - 1] == '/')
        pattern = str_make(pattern.p + 1, pattern.n - 2);
    r = regex_compile(t->arena, pattern, false, &error, &offset);
    if (!r) {
        fault_add(t->diags, DIAG_ERROR, node_word_place(n, i), "the expression cannot be compiled: %.*s",
                  STR_ARG(error));
        return false;
    }
    met = regex_search(r, STR("2.4.71"), NULL);
    regex_free(r);
    return met;
}

static bool compare_met(struct str operator, int result, bool *known)
{
    static const struct {
        struct str name;
        bool less, equal, more;
    } operators[] = {
        {STR_INIT("="), false, true, false}, {STR_INIT("=="), false, true, false},
        {STR_INIT(">"), false, false, true}, {STR_INIT(">="), false, true, true},
        {STR_INIT("<"), true, false, false}, {STR_INIT("<="), true, true, false},
    };

    *known = true;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (str_eq(operator, operators[i].name))
            return result < 0 ? operators[i].less : result > 0 ? operators[i].more : operators[i].equal;
    *known = false;
    return false;
}

/* [!]operator version, or [!]version; "~" and /.../ are expressions. */
static bool if_version(struct tree *t, const struct node *n)
{
    struct str operator= n->count> 1 ? n->words[0].text : STR("="), text;
    size_t at = n->count - 1;
    bool negate, met, known;
    int result;

    text = n->words[at].text;
    negate = take_not(at ? &operator : &text);
    if (str_eq(operator, STR("~")) || (text.n > 1 && text.p[0] == '/' && str_starts(operator, STR("="))))
        return match_version(t, n, at, text) != negate;
    result = compare_version(text);
    met = compare_met(operator, result, &known);
    if (!known)
        fault_add(t->diags, DIAG_ERROR, node_word_place(n, 0), "unknown operator \"%.*s\"",
                  STR_ARG(operator));
    else if (result < -1)
        fault_add(t->diags, DIAG_ERROR, node_word_place(n, at), "\"%.*s\" is not a version", STR_ARG(text));
    return known && result >= -1 && met != negate;
}

static const struct condition {
    struct str name;
    size_t max;
    bool (*met)(struct tree *t, const struct node *n);
} conditions[] = {
    {STR_INIT("IfModule"), 1, if_module},       {STR_INIT("IfDefine"), 1, if_define},
    {STR_INIT("IfVersion"), 2, if_version},     {STR_INIT("IfFile"), 1, if_file},
    {STR_INIT("IfDirective"), 1, if_directive}, {STR_INIT("IfSection"), 1, if_section},
};

static const struct condition *find(struct str name)
{
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        if (str_eq_nocase(name, conditions[i].name))
            return &conditions[i];
    return NULL;
}

bool condition_is(struct str section_name)
{
    return find(section_name) != NULL;
}

bool condition_met(struct tree *t, const struct node *n)
{
    const struct condition *c = find(n->name);

    if (n->no_bracket) {
        fault_add(t->diags, DIAG_ERROR, node_place(n), "\"<%.*s\" is missing its closing \">\"",
                  STR_ARG(n->name));
        return false;
    }
    if (n->count < 1 || n->count > c->max) {
        fault_add(t->diags, DIAG_ERROR, node_word_place(n, n->count ? c->max : 0), "<%.*s> takes %s",
                  STR_ARG(n->name), c->max == 1 ? "one argument" : "one or two arguments");
        return false;
    }
    return c->met(t, n);
}
