#include "route/header_rules.h"

struct change {
    struct arena *arena;
    struct header_subject subject;
    bool request;       /* the request's fields are changed, else the response's */
    struct request now; /* of the request: as it is after the rules so far */
    struct field *fields;
    size_t count, room;
    size_t left; /* of HEADER_RULES_MAX_BYTES */
};

/* ---- texts ---- */

struct text {
    struct arena *arena;
    char *p;
    size_t n, room;
    size_t max;
    bool over;
};

static void text_add(struct text *t, struct str s)
{
    if (t->over || s.n > t->max - t->n) {
        t->over = true;
        return;
    }
    if (s.n > t->room - t->n) {
        size_t room = 2 * (t->n + s.n);
        char *p = arena_alloc(t->arena, room);

        if (t->n)
            memcpy(p, t->p, t->n);
        t->p = p;
        t->room = room;
    }
    if (s.n)
        memcpy(t->p + t->n, s.p, s.n);
    t->n += s.n;
}

/* RFC 9110 section 5.5: what may not stand in a value becomes a blank; none stands at its ends. */
static struct str text_value(struct text *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (((unsigned char)t->p[i] < ' ' && t->p[i] != '\t') || t->p[i] == 0x7f)
            t->p[i] = ' ';
    return str_trim(str_make(t->p ? t->p : "", t->n));
}

static struct str variable(const struct header_subject *s, struct str name)
{
    struct str value = s->more ? vars_get(s->more, name) : STR_NONE;

    return value.p ? value : vars_get(s->vars, name);
}

/* match: of an edit, for $0 to $9; NULL: the texts stand for themselves. */
static void add_parts(struct change *c, const struct header_rule *rule, const struct regex_match *match,
                      struct text *t)
{
    for (size_t i = 0; i < rule->value.count; i++) {
        const struct header_part *part = &rule->value.items[i];
        struct str value;

        switch (part->kind) {
        case HEADER_PART_TEXT:
            text_add(t, match ? regex_substitute(c->arena, part->text, match) : part->text);
            break;
        case HEADER_PART_VARIABLE:
            value = variable(&c->subject, part->text);
            text_add(t, value.p ? value : STR("(null)"));
            break;
        case HEADER_PART_TIME:
            text_add(t, arena_printf(c->arena, "t=%lld", (long long)c->subject.begun_us));
            break;
        case HEADER_PART_DURATION:
            text_add(t, arena_printf(c->arena, "D=%lld", (long long)c->subject.taken_us));
            break;
        }
    }
}

/* With the fields as they are after the rules so far. */
static struct route_subject asked(struct change *c)
{
    struct route_subject s = c->subject.request;

    if (c->request) {
        c->now.fields = c->fields;
        c->now.field_count = c->count;
        s.request = &c->now;
    } else {
        s.response = c->fields;
        s.response_count = c->count;
    }
    return s;
}

static void add_value(struct change *c, const struct header_rule *rule, const struct regex_match *match,
                      struct text *t)
{
    struct route_subject s;
    struct str value;

    if (!rule->value_expr) {
        add_parts(c, rule, match, t);
        return;
    }
    s = asked(c);
    value = expression_text(c->arena, &s, rule->value_expr, c->subject.vars);
    t->over |= !value.p;
    text_add(t, value);
}

static struct text text_begin(struct change *c)
{
    return (struct text){.arena = c->arena, .max = c->left};
}

/* False when it is more than may be made. */
static bool text_end(struct change *c, struct text *t, struct str *value)
{
    if (t->over)
        return false;
    c->left -= t->n;
    *value = text_value(t);
    return true;
}

static bool make_value(struct change *c, const struct header_rule *rule, struct str *value)
{
    struct text t = text_begin(c);

    add_value(c, rule, NULL, &t);
    return text_end(c, &t, value);
}

/* ---- fields ---- */

/* Of these a response has one. */
static bool is_single(enum field_id id)
{
    return id == FIELD_CONTENT_TYPE || id == FIELD_LOCATION || id == FIELD_ETAG ||
           id == FIELD_LAST_MODIFIED || id == FIELD_CONTENT_RANGE || id == FIELD_DATE || id == FIELD_SERVER;
}

static bool may_be_made(const struct change *c, enum field_id id)
{
    if (c->request)
        return id != FIELD_CONTENT_LENGTH && id != FIELD_TRANSFER_ENCODING;
    return id != FIELD_CONTENT_LENGTH && !field_is_hop_by_hop(id);
}

static struct field *find(struct change *c, struct str name)
{
    for (size_t i = 0; i < c->count; i++)
        if (str_eq_nocase(c->fields[i].name, name))
            return &c->fields[i];
    return NULL;
}

static void add_field(struct change *c, struct str name, struct str value)
{
    enum field_id id = field_id_of(name);

    if (!may_be_made(c, id))
        return;
    if (c->count == c->room) {
        size_t room = 2 * c->room + 8;
        struct field *more = ARENA_ARRAY(c->arena, struct field, room);

        memcpy(more, c->fields, c->count * sizeof *more);
        c->fields = more;
        c->room = room;
    }
    c->fields[c->count++] = (struct field){name, value, id};
}

/* All of the name but `keep`. */
static void drop_fields(struct change *c, struct str name, const struct field *keep)
{
    size_t n = 0;

    for (size_t i = 0; i < c->count; i++)
        if (&c->fields[i] == keep || !str_eq_nocase(c->fields[i].name, name))
            c->fields[n++] = c->fields[i];
    c->count = n;
}

/* In the place of the first one. */
static void set_field(struct change *c, struct str name, struct str value)
{
    struct field *first = find(c, name);

    if (!first) {
        add_field(c, name, value);
        return;
    }
    first->value = value;
    drop_fields(c, name, first);
}

static void append_value(struct change *c, struct str name, struct str value)
{
    struct field *first = find(c, name);
    struct text t = text_begin(c);

    if (!first) {
        add_field(c, name, value);
        return;
    }
    text_add(&t, first->value);
    text_add(&t, STR(", "));
    text_add(&t, value);
    text_end(c, &t, &first->value);
}

/* Whether the list has the item, as it is written; commas in quotes do not end one. */
static bool list_has(struct str list, struct str item)
{
    size_t start = 0;
    bool quoted = false;

    for (size_t i = 0; i <= list.n; i++) {
        if (i < list.n && list.p[i] == '"')
            quoted = !quoted;
        if (i < list.n && (list.p[i] != ',' || quoted))
            continue;
        if (str_eq(str_trim(str_make(list.p + start, i - start)), item))
            return true;
        start = i + 1;
    }
    return false;
}

static void merge_value(struct change *c, struct str name, struct str value)
{
    const struct field *first = find(c, name);

    if (!first || !list_has(first->value, value))
        append_value(c, name, value);
}

static void echo_fields(struct change *c, const struct regex *names)
{
    const struct request *request = c->subject.request.request;

    for (size_t i = 0; i < request->field_count; i++) {
        const struct field *f = &request->fields[i];

        if (regex_search(names, f->name, NULL) && !(is_single(f->id) && find(c, f->name)))
            add_field(c, f->name, f->value);
    }
}

/* ---- edits ---- */

/* False when nothing matches or the result is too long. */
static bool edit_value(struct change *c, const struct header_rule *rule, struct str *value)
{
    struct text t = text_begin(c);
    struct str rest = *value;
    struct regex_match match;
    bool found = false;

    while (regex_search(rule->regex, rest, &match)) {
        struct str what = match.groups[0];
        size_t before = (size_t)(what.p - rest.p);

        found = true;
        text_add(&t, str_first(rest, before));
        add_value(c, rule, &match, &t);
        rest = str_skip(rest, before + what.n);
        if (rule->action == HEADER_EDIT || rest.n == 0 || t.over)
            break;
        if (what.n == 0) { /* a match of nothing: what stands behind it is passed */
            text_add(&t, str_first(rest, 1));
            rest = str_skip(rest, 1);
        }
    }
    text_add(&t, rest);
    return found && text_end(c, &t, value);
}

static void edit_fields(struct change *c, const struct header_rule *rule)
{
    for (size_t i = 0; i < c->count; i++)
        if (str_eq_nocase(c->fields[i].name, rule->name))
            edit_value(c, rule, &c->fields[i].value);
}

/* ---- rules ---- */

static bool applies(struct change *c, const struct header_rule *rule)
{
    struct route_subject s;

    if (rule->expr) {
        s = asked(c);
        return expression_holds(c->arena, &s, rule->expr, c->subject.vars, NULL);
    }
    return !rule->env.p || (variable(&c->subject, rule->env).p != NULL) != rule->env_not;
}

static void put_value(struct change *c, const struct header_rule *rule)
{
    struct str value;

    if (!make_value(c, rule, &value))
        return;
    switch (rule->action) {
    case HEADER_APPEND:
        append_value(c, rule->name, value);
        break;
    case HEADER_MERGE:
        merge_value(c, rule->name, value);
        break;
    case HEADER_SETIFEMPTY:
        if (!find(c, rule->name))
            add_field(c, rule->name, value);
        break;
    case HEADER_ADD:
        if (!c->request && is_single(field_id_of(rule->name)))
            set_field(c, rule->name, value);
        else
            add_field(c, rule->name, value);
        break;
    default:
        set_field(c, rule->name, value);
    }
}

static void apply(struct change *c, const struct header_rule *rule)
{
    if (!applies(c, rule))
        return;
    switch (rule->action) {
    case HEADER_UNSET:
        drop_fields(c, rule->name, NULL);
        break;
    case HEADER_ECHO:
        echo_fields(c, rule->regex);
        break;
    case HEADER_EDIT:
    case HEADER_EDIT_ALL:
        edit_fields(c, rule);
        break;
    default:
        put_value(c, rule);
    }
}

static struct change begin(struct arena *arena, const struct header_subject *subject,
                           const struct field *fields, size_t count)
{
    struct change c = {.arena = arena,
                       .subject = *subject,
                       .count = count,
                       .room = count + 8,
                       .left = HEADER_RULES_MAX_BYTES};

    c.fields = ARENA_ARRAY(arena, struct field, c.room);
    if (count)
        memcpy(c.fields, fields, count * sizeof *fields);
    return c;
}

void header_rules_response(struct arena *arena, const struct dir_config *config,
                           const struct header_subject *subject, bool error, struct response *r)
{
    struct change c;

    if (config->headers.count == 0)
        return;
    c = begin(arena, subject, r->fields, r->field_count);
    for (size_t i = 0; i < config->headers.count; i++)
        if (config->headers.items[i].always)
            apply(&c, &config->headers.items[i]);
    for (size_t i = 0; i < config->headers.count && !error; i++)
        if (!config->headers.items[i].always)
            apply(&c, &config->headers.items[i]);
    r->fields = c.fields;
    r->field_count = c.count;
}

bool header_rules_request(struct arena *arena, const struct dir_config *config,
                          const struct header_subject *subject, bool early, struct field **fields,
                          size_t *count)
{
    const struct request *request = subject->request.request;
    struct change c;
    bool any = false;

    for (size_t i = 0; i < config->request_headers.count; i++)
        any |= config->request_headers.items[i].early == early;
    if (!any)
        return false;
    c = begin(arena, subject, request->fields, request->field_count);
    c.request = true;
    c.now = *request;
    for (size_t i = 0; i < config->request_headers.count; i++)
        if (config->request_headers.items[i].early == early)
            apply(&c, &config->request_headers.items[i]);
    *fields = c.fields;
    *count = c.count;
    return true;
}
