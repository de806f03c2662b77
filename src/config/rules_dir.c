/* Files: what may stand in a directory context. */
#include "config/directive.h"
#include "config/fault.h"
#include "config/value.h"

static void set_allow_override(const struct scope *s, const struct directive *row, const struct node *n)
{
    if ((n->count != 1 || !str_eq_nocase(n->words[0].text, STR("None"))) && scope_first_time(s, row->name))
        scope_warning(s, n, 0, ".htaccess files are not read");
}

/* ---- Options ---- */

static const struct keyword options[] = {
    {"None", 0},     {"All", 1},     {"FollowSymLinks", 1}, {"SymLinksIfOwnerMatch", 3}, {"Indexes", 2},
    {"Includes", 2}, {"ExecCGI", 2}, {"IncludesNOEXEC", 2}, {"MultiViews", 2},           {0},
};

/* Words without a sign replace all options, so that those which do not name FollowSymLinks take it away;
 * SymLinksIfOwnerMatch leaves the usual rule, that links stay below the granted directory. */
static void set_options(const struct scope *s, const struct directive *row, const struct node *n)
{
    bool plain = false, sign = false;
    bool owner = false;
    int follow = UNSET;

    (void)row;
    for (size_t i = 0; i < n->count; i++) {
        struct str text = n->words[i].text;
        const struct keyword *k = options;
        bool plus = str_starts(text, STR("+")), minus = str_starts(text, STR("-"));

        text = str_skip(text, plus || minus);
        while (k->name && !str_eq_nocase(text, str_from(k->name)))
            k++;
        if (!k->name) {
            scope_error(s, n, i, "unknown option \"%.*s\"", STR_ARG(text));
            return;
        }
        sign |= plus || minus;
        plain |= !plus && !minus;
        if (plain && sign) {
            scope_error(s, n, i, "options with and without + or - cannot be mixed");
            return;
        }
        owner |= k->value == 3 && !minus;
        if (k->value == 1)
            follow = !minus;
        else if (plain && follow == UNSET)
            follow = 0;
    }
    if (follow == 1 || (follow == 0 && !owner))
        s->dir->follow_symlinks = follow;
}

/* ---- files ---- */

static void set_directory_index(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct dir_config *d = s->dir;

    (void)row;
    d->directory_index_set = true;
    if (n->count == 1 && str_eq_nocase(n->words[0].text, STR("disabled"))) {
        d->directory_index.items = NULL;
        d->directory_index.count = d->directory_index.room = 0;
        return;
    }
    for (size_t i = 0; i < n->count; i++)
        *GROW(s->load->arena, d->directory_index) = arena_copy(s->load->arena, n->words[i].text);
}

static void set_add_type(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct str type = value_lower(s->load->arena, n->words[0].text);

    (void)row;
    if (str_find(type, '/') < 0)
        scope_warning(s, n, 0, "\"%.*s\" is not a media type", STR_ARG(type));
    for (size_t i = 1; i < n->count; i++) {
        struct str extension = n->words[i].text;

        if (str_starts(extension, STR(".")))
            extension = str_skip(extension, 1);
        *GROW(s->load->arena, s->dir->types) =
            (struct media_type){value_lower(s->load->arena, extension), type};
    }
}

static void set_limit_body(const struct scope *s, const struct directive *row, const struct node *n)
{
    int64_t value;

    (void)row;
    if (!value_integer(n->words[0].text, &value) || value < 0)
        scope_error(s, n, 0, "\"%.*s\" is not a number of bytes (0: no limit)", STR_ARG(n->words[0].text));
    else
        s->dir->limit_request_body = value;
}

/* ---- ErrorDocument ---- */

static bool is_error_status(uint64_t status)
{
    return (status >= 400 && status <= 418) || (status >= 421 && status <= 426) || status == 428 ||
           status == 429 || status == 431 || status == 451 || (status >= 500 && status <= 508) ||
           status == 510 || status == 511;
}

static bool is_url(struct str s)
{
    ptrdiff_t colon = str_find_str(s, STR("://"));

    for (ptrdiff_t i = 0; i < colon; i++) {
        char c = ascii_lower(s.p[i]);

        if (!ascii_digit(c) && (c < 'a' || c > 'z') && c != '+' && c != '-' && c != '.')
            return false;
    }
    return colon > 0;
}

static void set_error_document(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct str what = n->words[1].text;
    struct error_document document = {.value = arena_copy(s->load->arena, what)};
    uint64_t status;

    (void)row;
    if (!str_to_u64(n->words[0].text, 599, &status) || !is_error_status(status)) {
        scope_error(s, n, 0, "\"%.*s\" is not a status from 400 to 599", STR_ARG(n->words[0].text));
        return;
    }
    document.status = (int)status;
    if (str_eq_nocase(what, STR("default")))
        document.kind = ERROR_DOCUMENT_DEFAULT;
    else if (str_starts(what, STR("/")))
        document.kind = ERROR_DOCUMENT_LOCAL;
    else if (is_url(what))
        document.kind = ERROR_DOCUMENT_REDIRECT;
    else
        document.kind = ERROR_DOCUMENT_TEXT;
    if (document.kind == ERROR_DOCUMENT_REDIRECT && status == 401) {
        scope_warning(s, n, 1, "a redirect cannot ask for a password; ErrorDocument 401 is left out");
        return;
    }
    *GROW(s->load->arena, s->dir->error_documents) = document;
}

/* clang-format off */
static const struct directive rows[] = {
    {STR_INIT("AddType"), ANYWHERE, 2, ANY_NUMBER, set_add_type, "AddType media-type extension ...",
     "The Content-Type of files by extension"},
    {STR_INIT("AllowOverride"), IN_DIRECTORY, 1, ANY_NUMBER, set_allow_override, "AllowOverride None",
     ".htaccess files are not read; other values than None are warned about"},
    {STR_INIT("DirectoryIndex"), ANYWHERE, 1, ANY_NUMBER, set_directory_index, "DirectoryIndex file ...|disabled",
     "What is served for a directory; index.html by default"},
    {STR_INIT("ErrorDocument"), ANYWHERE, 2, 2, set_error_document, "ErrorDocument status text|/local/URL|URL|default",
     "What is sent instead of scgate's own error page"},
    {STR_INIT("LimitRequestBody"), ANYWHERE, 1, 1, set_limit_body, "LimitRequestBody bytes",
     "How long the body of a request may be; 0: no limit; 1 GiB by default"},
    {STR_INIT("Options"), ANYWHERE, 1, ANY_NUMBER, set_options, "Options [+|-]FollowSymLinks ...",
     "FollowSymLinks lets symbolic links lead out of the granted directory; other options have no effect"},
};
/* clang-format on */

const struct rule_group rules_dir = RULE_GROUP(rows);
