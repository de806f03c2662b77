/* Paths that are files elsewhere, and paths that the client is sent elsewhere for (mod_alias). */
#include "config/directive.h"
#include "config/fault.h"
#include "config/value.h"

/* ---- Alias ---- */

static void set_alias(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct alias alias = {.place = node_place(n)};

    if (row->low) {
        alias.regex = scope_regex(s, n, 0, false);
        alias.target = scope_path(s, n, 1);
        if (!alias.regex)
            return;
    } else {
        alias.path = arena_copy(s->load->arena, n->words[0].text);
        alias.target = scope_path(s, n, 1);
        if (!str_starts(alias.path, STR("/")))
            scope_warning(s, n, 0, "the path does not begin with a slash; no request will match it");
    }
    *GROW(s->load->arena, s->server->file_aliases) = alias;
}

/* ---- Redirect ---- */

enum { GONE = 410 };

static const struct keyword statuses[] = {
    {"permanent", 301}, {"temp", 302}, {"seeother", 303}, {"gone", GONE}, {0}};

static bool is_redirect(int status)
{
    return status >= 300 && status <= 399;
}

/* A keyword, or three digits. */
static bool read_status(struct str text, int *status)
{
    uint64_t number;

    for (const struct keyword *k = statuses; k->name; k++)
        if (str_eq_nocase(text, str_from(k->name))) {
            *status = k->value;
            return true;
        }
    if (text.n != 3 || !str_to_u64(text, 599, &number))
        return false;
    *status = (int)number;
    return true;
}

static bool is_target(struct str text)
{
    ptrdiff_t colon = str_find(text, ':');

    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == '\x7f')
            return false;
    if (str_starts(text, STR("/")))
        return true;
    for (ptrdiff_t i = 0; i < colon; i++) {
        char c = ascii_lower(text.p[i]);

        if ((c < 'a' || c > 'z') && (i == 0 || (!ascii_digit(c) && c != '+' && c != '-' && c != '.')))
            return false;
    }
    return colon > 0;
}

/* The path, which may be left out inside of sections, or the expression, at word *at. */
static bool read_subject(const struct scope *s, const struct directive *row, const struct node *n, size_t *at,
                         struct redirect *r)
{
    bool target = is_redirect(r->status);

    if (str_starts_nocase(row->name, STR("RedirectMatch"))) {
        if (*at >= n->count) {
            scope_error(s, n, *at, "RedirectMatch needs an expression");
            return false;
        }
        r->regex = scope_regex(s, n, (*at)++, false);
        return r->regex != NULL;
    }
    if (s->section && n->count - *at == (target ? 1 : 0))
        return true;
    if (*at >= n->count) {
        scope_error(s, n, *at, "%.*s needs a path", STR_ARG(row->name));
        return false;
    }
    if (!str_starts(n->words[*at].text, STR("/"))) {
        scope_error(s, n, *at, "the path must begin with a slash");
        return false;
    }
    r->path = arena_copy(s->load->arena, n->words[(*at)++].text);
    return true;
}

static bool read_target(const struct scope *s, const struct directive *row, const struct node *n, size_t at,
                        struct redirect *r)
{
    if (!is_redirect(r->status)) {
        if (at < n->count)
            scope_error(s, n, at, "status %d takes no URL", r->status);
        return at >= n->count;
    }
    if (at >= n->count) {
        fault_hint(s->load->diags, scope_error(s, n, at, "the URL to redirect to is missing"), "syntax: %s",
                   row->syntax);
        return false;
    }
    if (at + 1 < n->count) {
        fault_hint(s->load->diags,
                   scope_error(s, n, at + 1, "%.*s takes no more arguments", STR_ARG(row->name)),
                   "syntax: %s", row->syntax);
        return false;
    }
    r->target = arena_copy(s->load->arena, n->words[at].text);
    if (is_target(r->target) || (r->regex && str_starts(r->target, STR("$"))))
        return true;
    fault_hint(s->load->diags, scope_error(s, n, at, "\"%.*s\" is not a URL", STR_ARG(r->target)),
               "an absolute URL, or a path that begins with a slash");
    return false;
}

/* [status] [path|regex] [URL]; row->low: the status that the directive's name says. */
static void set_redirect(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct redirect r = {.status = row->low ? (int)row->low : 302, .place = node_place(n)};
    size_t at = 0;

    if (!row->low && read_status(n->words[0].text, &r.status)) {
        at = 1;
        if (r.status < 300 || r.status == 304) {
            scope_error(s, n, 0, "status %d is neither a redirect nor an error", r.status);
            return;
        }
    }
    if (!read_subject(s, row, n, &at, &r) || !read_target(s, row, n, at, &r))
        return;
    if (s->section)
        *GROW(s->load->arena, s->dir->redirects) = r;
    else
        *GROW(s->load->arena, s->server->redirects) = r;
}

/* clang-format off */
static const struct directive rows[] = {
    {STR_INIT("Alias"), IN_HOST, 2, 2, set_alias, "Alias URL-path file-path",
     "Serves the files below a directory at a path"},
    {STR_INIT("AliasMatch"), IN_HOST, 2, 2, set_alias, "AliasMatch regex file-path",
     "Serves a file for paths that match; $0 to $9 stand for groups", .low = 1},
    {STR_INIT("Redirect"), ANYWHERE, 1, ANY_NUMBER, set_redirect, "Redirect [status] [URL-path] [URL]",
     "Sends clients elsewhere for what lies below a path; status: permanent, temp (usual), seeother, gone or a number"},
    {STR_INIT("RedirectMatch"), ANYWHERE, 1, ANY_NUMBER, set_redirect, "RedirectMatch [status] regex [URL]",
     "The same for paths that match; $0 to $9 stand for groups"},
    {STR_INIT("RedirectPermanent"), ANYWHERE, 1, ANY_NUMBER, set_redirect, "RedirectPermanent [URL-path] URL",
     "Redirect with status 301", .low = 301},
    {STR_INIT("RedirectTemp"), ANYWHERE, 1, ANY_NUMBER, set_redirect, "RedirectTemp [URL-path] URL",
     "Redirect with status 302", .low = 302},
};
/* clang-format on */

const struct rule_group rules_alias = RULE_GROUP(rows);
