#include "scgi/params.h"

#include "base/out.h"

/* The variables of fields that the gateway knows: no name to build. Ids without a row get theirs built as
 * others do. */
static const struct str known_variables[FIELD_ID_COUNT] = {
    [FIELD_AUTHORIZATION] = STR_INIT("HTTP_AUTHORIZATION"),
    [FIELD_CONNECTION] = STR_INIT("HTTP_CONNECTION"),
    [FIELD_CONTENT_TYPE] = STR_INIT("CONTENT_TYPE"),
    [FIELD_COOKIE] = STR_INIT("HTTP_COOKIE"),
    [FIELD_DATE] = STR_INIT("HTTP_DATE"),
    [FIELD_EXPECT] = STR_INIT("HTTP_EXPECT"),
    [FIELD_HOST] = STR_INIT("HTTP_HOST"),
    [FIELD_IF_MATCH] = STR_INIT("HTTP_IF_MATCH"),
    [FIELD_IF_MODIFIED_SINCE] = STR_INIT("HTTP_IF_MODIFIED_SINCE"),
    [FIELD_IF_NONE_MATCH] = STR_INIT("HTTP_IF_NONE_MATCH"),
    [FIELD_IF_RANGE] = STR_INIT("HTTP_IF_RANGE"),
    [FIELD_IF_UNMODIFIED_SINCE] = STR_INIT("HTTP_IF_UNMODIFIED_SINCE"),
    [FIELD_KEEP_ALIVE] = STR_INIT("HTTP_KEEP_ALIVE"),
    [FIELD_MAX_FORWARDS] = STR_INIT("HTTP_MAX_FORWARDS"),
    [FIELD_PROXY_AUTHORIZATION] = STR_INIT("HTTP_PROXY_AUTHORIZATION"),
    [FIELD_PROXY_CONNECTION] = STR_INIT("HTTP_PROXY_CONNECTION"),
    [FIELD_RANGE] = STR_INIT("HTTP_RANGE"),
    [FIELD_REFERER] = STR_INIT("HTTP_REFERER"),
    [FIELD_TE] = STR_INIT("HTTP_TE"),
    [FIELD_TRAILER] = STR_INIT("HTTP_TRAILER"),
    [FIELD_UPGRADE] = STR_INIT("HTTP_UPGRADE"),
    [FIELD_USER_AGENT] = STR_INIT("HTTP_USER_AGENT"),
};

static struct str number(struct arena *arena, uint64_t value)
{
    enum { DIGITS = 20 };
    struct out o = OUT_INIT(arena_alloc(arena, DIGITS), DIGITS);

    out_u64(&o, value);
    return out_done(&o);
}

/* The one way in: a value that could break the frame is left out, and so is what stood there before. */
static void put(struct vars *out, struct str name, struct str value)
{
    if (str_find(value, '\0') >= 0)
        vars_unset(out, name);
    else
        vars_set(out, name, value);
}

/* ---- fields ---- */

static bool field_is_passed(const struct scgi_facts *facts, const struct field *field)
{
    switch (field->id) {
    case FIELD_CONTENT_LENGTH:    /* is the first variable */
    case FIELD_TRANSFER_ENCODING: /* was taken off */
    case FIELD_PROXY:             /* HTTP_PROXY means something else to many programs (httpoxy) */
        return false;
    case FIELD_AUTHORIZATION:
    case FIELD_PROXY_AUTHORIZATION:
        return facts->pass_authorization;
    case FIELD_CONTENT_TYPE:
        return facts->has_body;
    default:
        return true;
    }
}

/* Absent for a name with another character than letters, digits and '-': mapped to '_', two fields could meet
 * in one variable. */
static struct str field_variable(struct arena *arena, const struct field *field)
{
    static const struct str prefix = STR_INIT("HTTP_");
    size_t n = prefix.n + field->name.n;
    char *p;

    if (known_variables[field->id].p)
        return known_variables[field->id];
    p = arena_alloc(arena, n);
    memcpy(p, prefix.p, prefix.n);
    for (size_t i = 0; i < field->name.n; i++) {
        char c = ascii_upper(field->name.p[i]);

        if (c == '-')
            c = '_';
        else if (!ascii_digit(c) && (c < 'A' || c > 'Z'))
            return STR_NONE;
        p[prefix.n + i] = c;
    }
    return str_make(p, n);
}

/* One hop less (RFC 9110 section 7.6.2). 0 and what is no number never come here. */
static struct str max_forwards(struct arena *arena, struct str value)
{
    uint64_t n;

    return str_to_u64(value, UINT64_MAX, &n) && n > 0 ? number(arena, n - 1) : value;
}

static struct str field_value(struct arena *arena, const struct request *request, const struct field *field)
{
    if (field->id == FIELD_MAX_FORWARDS)
        return max_forwards(arena, field->value);
    /* RFC 9112 section 3.2.2: the target's authority replaces Host; who is named before an '@' is no part of
     * it. */
    if (field->id == FIELD_HOST && request->uri.form == URI_ABSOLUTE)
        return str_skip(request->authority, (size_t)(str_find_last(request->authority, '@') + 1));
    return field->value;
}

static bool same_name(const struct field *a, const struct field *b)
{
    return a->id == b->id && (a->id != FIELD_OTHER || str_eq_nocase(a->name, b->name));
}

/* The values of all fields named as this one, in their order (RFC 9110 section 5.3, RFC 9113 section 8.2.3
 * for Cookie). Marks the fields as done. */
static struct str joined_value(struct arena *arena, const struct request *request, const struct field *field,
                               bool *done)
{
    struct str separator = field->id == FIELD_COOKIE ? STR("; ") : STR(", ");
    struct str *pieces = arena_alloc(arena, 2 * request->field_count * sizeof *pieces);
    size_t count = 0;

    for (size_t i = 0; i < request->field_count; i++) {
        if (!same_name(&request->fields[i], field))
            continue;
        if (count)
            pieces[count++] = separator;
        pieces[count++] = field_value(arena, request, &request->fields[i]);
        done[i] = true;
    }
    return count == 1 ? pieces[0] : arena_concat(arena, pieces, count);
}

static void put_fields(const struct scgi_facts *facts, struct vars *out)
{
    const struct request *request = facts->request;
    bool *done = NULL; /* per field: its value is in the variable; made when a name comes again */

    for (size_t i = 0; i < request->field_count; i++) {
        const struct field *field = &request->fields[i];
        struct str name;

        if ((done && done[i]) || !field_is_passed(facts, field))
            continue;
        name = field_variable(out->arena, field);
        if (!name.p)
            continue;
        if (!vars_has(out, name)) {
            put(out, name, field_value(out->arena, request, field));
            continue;
        }
        /* Set before by a field of this name, or by the configuration, whose value the client's replaces. */
        if (!done)
            done = ARENA_ARRAY(out->arena, bool, request->field_count);
        put(out, name, joined_value(out->arena, request, field, done));
    }
}

/* ---- variables that were set before ---- */

/* The name with '_' for '-' and '.', as some applications read it, equals the other one. */
static bool reads_as(struct str name, struct str other)
{
    if (name.n != other.n)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i] == '-' || name.p[i] == '.' ? '_' : name.p[i];

        if (c != other.p[i])
            return false;
    }
    return true;
}

/* Not passed are names that would break the frame, names that are taken from nowhere else, and those that
 * could be read as one which the server computes: "REMOTE.ADDR" must not stand beside REMOTE_ADDR. */
static bool env_is_passed(struct str name, const struct var *computed, size_t count)
{
    if (name.n == 0 || str_find(name, '\0') >= 0 || str_eq(name, STR("SCGI")) ||
        reads_as(name, STR("CONTENT_LENGTH")) || reads_as(name, STR("GATEWAY_INTERFACE")))
        return false;
    if (str_find(name, '.') < 0 && str_find(name, '-') < 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (reads_as(name, computed[i].name))
            return false;
    return true;
}

static void put_env(const struct vars *env, const struct var *computed, size_t count, struct vars *out)
{
    for (size_t i = 0; env && i < env->count; i++)
        if (env_is_passed(env->items[i].name, computed, count))
            put(out, env->items[i].name, env->items[i].value);
}

void scgi_params(const struct scgi_facts *facts, struct vars *out)
{
    const struct endpoints *ends = facts->endpoints;
    struct str none = STR_NONE, empty = STR("");
    struct str remote_port = ends->remote_port ? number(out->arena, ends->remote_port) : none;
    /* In the order in which they are sent. */
    const struct var computed[] = {
        {STR("SERVER_SIGNATURE"), facts->server_signature.p ? facts->server_signature : empty},
        {STR("SERVER_SOFTWARE"), facts->server_software},
        {STR("SERVER_NAME"), facts->server_name},
        {STR("SERVER_ADDR"), ends->local_addr},
        {STR("SERVER_PORT"), number(out->arena, facts->server_port)},
        {STR("REMOTE_ADDR"), ends->remote_addr},
        {STR("DOCUMENT_ROOT"), facts->document_root},
        {STR("REQUEST_SCHEME"), facts->scheme},
        {STR("CONTEXT_PREFIX"), empty},
        {STR("CONTEXT_DOCUMENT_ROOT"), facts->document_root},
        {STR("SERVER_ADMIN"), facts->server_admin},
        {STR("SCRIPT_FILENAME"), facts->script_filename},
        {STR("REMOTE_PORT"), remote_port},
        {STR("REMOTE_USER"), facts->remote_user},
        {STR("AUTH_TYPE"), facts->auth_type},
        {STR("GATEWAY_INTERFACE"), facts->gateway_interface ? STR("CGI/1.1") : none},
        {STR("SERVER_PROTOCOL"), facts->request->protocol},
        {STR("REQUEST_METHOD"), facts->method},
        {STR("QUERY_STRING"), facts->query_string},
        {STR("REQUEST_URI"), facts->request_uri},
        {STR("SCRIPT_NAME"), facts->script_name},
        {STR("PATH_INFO"), facts->path_info},
        {STR("PATH_TRANSLATED"), facts->path_translated},
    };
    size_t count = sizeof computed / sizeof computed[0];

    put(out, STR("CONTENT_LENGTH"), number(out->arena, facts->content_length));
    put(out, STR("SCGI"), STR("1"));
    put_env(facts->env, computed, count, out);
    put_fields(facts, out);
    for (size_t i = 0; i < count; i++)
        if (computed[i].value.p)
            put(out, computed[i].name, computed[i].value);
}
