/* Variables of a request: mod_env and mod_setenvif. */
#include "config/directive.h"
#include "config/fault.h"

static void add_env(const struct scope *s, struct str name, struct str value)
{
    *GROW(s->load->arena, s->dir->env) =
        (struct env_op){arena_copy(s->load->arena, name), arena_copy(s->load->arena, value)};
}

static void set_env(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct str name = n->words[0].text, value = node_word(n, 1);
    ptrdiff_t equals = str_find(name, '=');

    (void)row;
    if (equals >= 0)
        fault_hint(s->load->diags,
                   scope_warning(s, n, 0, "the variable's name is \"%.*s\", with the \"=\"", STR_ARG(name)),
                   "name and value are two words: SetEnv %.*s value", (int)equals, name.p);
    add_env(s, name, value.p ? value : STR(""));
}

static void set_unset_env(const struct scope *s, const struct directive *row, const struct node *n)
{
    (void)row;
    for (size_t i = 0; i < n->count; i++)
        add_env(s, n->words[i].text, STR_NONE);
}

static void set_pass_env(const struct scope *s, const struct directive *row, const struct node *n)
{
    (void)row;
    for (size_t i = 0; i < n->count; i++) {
        struct str name = n->words[i].text;
        struct str value = s->load->source->getenv(s->load->source->context, s->load->arena, name);

        if (value.p)
            add_env(s, name, value);
        else
            scope_warning(s, n, i, "the environment has no variable \"%.*s\"", STR_ARG(name));
    }
}

/* ---- SetEnvIf ---- */

static const struct keyword attributes[] = {
    {"Remote_Addr", SETENVIF_REMOTE_ADDR},
    {"Remote_Host", SETENVIF_REMOTE_HOST},
    {"Server_Addr", SETENVIF_SERVER_ADDR},
    {"Request_Method", SETENVIF_REQUEST_METHOD},
    {"Request_Protocol", SETENVIF_REQUEST_PROTOCOL},
    {"Request_URI", SETENVIF_REQUEST_URI},
    {0},
};

static bool is_plain_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);

        if (!ascii_digit(c) && (c < 'a' || c > 'z') && c != '-' && c != '_')
            return false;
    }
    return true;
}

/* False when it is a wrong expression. */
static bool set_attribute(const struct scope *s, const struct node *n, bool nocase, struct setenvif *e)
{
    struct str text = n->words[0].text;

    for (const struct keyword *k = attributes; k->name; k++) {
        if (!str_eq_nocase(text, str_from(k->name)))
            continue;
        e->attribute = (enum setenvif_attribute)k->value;
        return true;
    }
    e->attribute = SETENVIF_FIELD;
    e->field = arena_copy(s->load->arena, text);
    if (is_plain_name(text))
        return true;
    e->attribute = SETENVIF_FIELD_REGEX;
    e->field_regex = scope_regex(s, n, 0, nocase);
    return e->field_regex != NULL;
}

/* The text that the expression stands for, when it has no special characters but escaped ones; else absent.
 */
static struct str literal_of(struct arena *arena, struct str s)
{
    char *p = arena_alloc(arena, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (strchr("^.$|()[]{}*+?", s.p[i]))
            return STR_NONE;
        if (s.p[i] == '\\') {
            char c = i + 1 < s.n ? ascii_lower(s.p[++i]) : 'a';

            if ((c >= 'a' && c <= 'z') || ascii_digit(c))
                return STR_NONE; /* \d, \b and the like */
        }
        p[n++] = s.p[i];
    }
    p[n] = '\0';
    return str_make(p, n);
}

static bool set_pattern(const struct scope *s, const struct node *n, size_t i, bool nocase,
                        struct setenvif *e)
{
    e->nocase = nocase;
    e->literal = literal_of(s->load->arena, n->words[i].text);
    if (!e->literal.p)
        e->regex = scope_regex(s, n, i, nocase);
    return e->literal.p || e->regex;
}

/* [!]name[=value]; a value that begins with '!' unsets too, as in httpd. */
static void add_action(const struct scope *s, struct setenvif *e, struct str text)
{
    bool unset = str_starts(text, STR("!"));
    struct str value = str_skip(text, unset), name = str_until(&value, '=');
    struct setenvif_action action = {.name = arena_copy(s->load->arena, name)};

    if (!unset && !str_starts(value, STR("!")))
        action.value = value.p ? arena_copy(s->load->arena, value) : STR("1");
    action.substitute = (e->regex || e->expr) && str_find(action.value, '$') >= 0;
    *GROW(s->load->arena, e->actions) = action;
}

static void add_setenvif(const struct scope *s, const struct node *n, size_t pattern, bool nocase,
                         struct setenvif *e)
{
    if (n->count <= pattern) {
        scope_error(s, n, pattern, "%.*s needs an expression", STR_ARG(n->name));
        return;
    }
    if (!set_pattern(s, n, pattern, nocase, e))
        return;
    if (n->count <= pattern + 1) {
        scope_error(s, n, pattern + 1, "%.*s needs a variable to set", STR_ARG(n->name));
        return;
    }
    for (size_t i = pattern + 1; i < n->count; i++)
        add_action(s, e, n->words[i].text);
    *GROW(s->load->arena, s->dir->setenvif) = *e;
}

static void set_env_if(const struct scope *s, const struct directive *row, const struct node *n)
{
    bool nocase = row->low != 0;
    struct setenvif e = {0};

    if (set_attribute(s, n, nocase, &e))
        add_setenvif(s, n, 1, nocase, &e);
}

static void set_env_if_expr(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct setenvif e = {.attribute = SETENVIF_EXPR, .expr = scope_expr(s, n, 0)};

    (void)row;
    if (!e.expr)
        return;
    for (size_t i = 1; i < n->count; i++)
        add_action(s, &e, n->words[i].text);
    *GROW(s->load->arena, s->dir->setenvif) = e;
}

static void set_browser_match(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct setenvif e = {.attribute = SETENVIF_FIELD, .field = STR("User-Agent")};

    add_setenvif(s, n, 0, row->low != 0, &e);
}

/* ---- what scgate computes ---- */

static void set_cgi_var(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct str what = n->words[1].text;

    (void)row;
    if (!str_eq(n->words[0].text, STR("REQUEST_URI")))
        scope_error(s, n, 0, "CGIVar knows REQUEST_URI only");
    else if (str_eq_nocase(what, STR("current-uri")))
        s->dir->current_uri = 1;
    else if (str_eq_nocase(what, STR("original-uri")))
        s->dir->current_uri = 0;
    else
        scope_error(s, n, 1, "REQUEST_URI must be original-uri or current-uri");
}

/* Names of addresses are not looked up, and where httpd finds none it takes ServerName. */
static void set_canonical_name(const struct scope *s, const struct directive *row, const struct node *n)
{
    set_keyword(s, row, n);
    if (str_eq_nocase(n->words[0].text, STR("DNS")))
        fault_hint(s->load->diags, scope_warning(s, n, 0, "addresses are not looked up: ServerName is used"),
                   "UseCanonicalName On says the same");
}

enum { TOKENS_PRODUCT, TOKENS_MAJOR, TOKENS_MINOR, TOKENS_FULL };

/* "scgate", "scgate/0", "scgate/0.1" or "scgate/0.1.0" */
static struct str software(int tokens)
{
    struct str name = STR("scgate/" SCGATE_VERSION), rest = name;

    if (tokens == TOKENS_PRODUCT)
        return str_until(&rest, '/');
    for (int dots = 0; rest.p && tokens != TOKENS_FULL && dots < tokens; dots++)
        str_until(&rest, '.');
    return rest.p && tokens != TOKENS_FULL ? str_first(name, name.n - rest.n - 1) : name;
}

static const struct keyword tokens[] = {{"Prod", TOKENS_PRODUCT},
                                        {"ProductOnly", TOKENS_PRODUCT},
                                        {"Major", TOKENS_MAJOR},
                                        {"Minor", TOKENS_MINOR},
                                        {"Min", TOKENS_FULL},
                                        {"Minimal", TOKENS_FULL},
                                        {"OS", TOKENS_FULL},
                                        {"Full", TOKENS_FULL},
                                        {0}};
static const struct keyword signatures[] = {
    {"On", SIGNATURE_ON}, {"Off", SIGNATURE_OFF}, {"EMail", SIGNATURE_EMAIL}, {0}};
static const struct keyword canonical_names[] = {{"On", 1}, {"Off", 0}, {"DNS", 1}, {0}};

static void set_server_tokens(const struct scope *s, const struct directive *row, const struct node *n)
{
    for (const struct keyword *k = row->keywords; k->name; k++)
        if (str_eq_nocase(n->words[0].text, str_from(k->name))) {
            s->load->model->software = software(k->value);
            return;
        }
    scope_error(s, n, 0, "ServerTokens must be Prod, Major, Minor, Min, OS or Full");
}

/* clang-format off */
static const struct directive rows[] = {
    {STR_INIT("BrowserMatch"), ANYWHERE, 1, ANY_NUMBER, set_browser_match, "BrowserMatch regex [!]variable[=value] ...",
     "SetEnvIf on the field User-Agent"},
    {STR_INIT("BrowserMatchNoCase"), ANYWHERE, 1, ANY_NUMBER, set_browser_match, "BrowserMatchNoCase regex [!]variable[=value] ...",
     "The same without regard to case", .low = 1},
    {STR_INIT("CGIPassAuth"), ANYWHERE, 1, 1, set_flag, "CGIPassAuth On|Off",
     "Whether applications get Authorization and Proxy-Authorization", DIR_FIELD(pass_authorization)},
    {STR_INIT("CGIVar"), ANYWHERE, 2, 2, set_cgi_var, "CGIVar REQUEST_URI original-uri|current-uri",
     "What REQUEST_URI is: the target as the client sent it, or the decoded path of what is asked for now"},
    {STR_INIT("PassEnv"), ANYWHERE, 1, ANY_NUMBER, set_pass_env, "PassEnv variable ...",
     "Hands variables of the server's own environment to applications"},
    {STR_INIT("QualifyRedirectURL"), ANYWHERE, 1, 1, set_flag, "QualifyRedirectURL On|Off",
     "Whether REDIRECT_URL is a whole URL; else it is the path", DIR_FIELD(qualify_redirect_url)},
    {STR_INIT("ServerSignature"), ANYWHERE, 1, 1, set_keyword, "ServerSignature On|Off|EMail",
     "Whether SERVER_SIGNATURE names the server, and whom to write to", DIR_FIELD(signature), .keywords = signatures},
    {STR_INIT("ServerTokens"), IN_SERVER, 1, 1, set_server_tokens, "ServerTokens Prod|Major|Minor|Min|OS|Full",
     "How much of the version SERVER_SOFTWARE tells applications; clients are never told", .keywords = tokens},
    {STR_INIT("SetEnv"), ANYWHERE, 1, 2, set_env, "SetEnv variable [value]",
     "Sets a variable for applications"},
    {STR_INIT("SetEnvIf"), ANYWHERE, 1, ANY_NUMBER, set_env_if, "SetEnvIf attribute regex [!]variable[=value] ...",
     "Sets variables when a property of the request matches"},
    {STR_INIT("SetEnvIfExpr"), ANYWHERE, 2, ANY_NUMBER, set_env_if_expr, "SetEnvIfExpr expression [!]variable[=value] ...",
     "Sets variables when an expression holds for the request"},
    {STR_INIT("SetEnvIfNoCase"), ANYWHERE, 1, ANY_NUMBER, set_env_if, "SetEnvIfNoCase attribute regex [!]variable[=value] ...",
     "The same without regard to case", .low = 1},
    {STR_INIT("UnsetEnv"), ANYWHERE, 1, ANY_NUMBER, set_unset_env, "UnsetEnv variable ...",
     "Takes away what SetEnv or PassEnv set"},
    {STR_INIT("UseCanonicalName"), ANYWHERE, 1, 1, set_canonical_name, "UseCanonicalName On|Off|DNS",
     "Whether SERVER_NAME and SERVER_PORT come from ServerName; else from the request", DIR_FIELD(canonical_name), .keywords = canonical_names},
    {STR_INIT("UseCanonicalPhysicalPort"), ANYWHERE, 1, 1, set_flag, "UseCanonicalPhysicalPort On|Off",
     "Whether SERVER_PORT may be the port of the connection", DIR_FIELD(canonical_port)},
};
/* clang-format on */

const struct rule_group rules_env = RULE_GROUP(rows);
