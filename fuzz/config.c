/* The loader of configurations, with several files in one input: no model without errors, none with; each
 * fault has a place that can be shown. */
#include "base/must.h"
#include "config/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No host holds what a request brings: a '$' is no part of a name. */
static void check_pass(const struct pass *pass)
{
    struct str path = pass->target_path;

    must(pass->exclude == (pass->backend == NULL));
    must(!(pass->path.p && pass->regex) && (pass->mapping == PASS_DECODED || !pass->regex));
    if (pass->exclude)
        return;
    must(pass->authority.n && str_find(pass->authority, '$') < 0);
    must(path.n == 0 || path.p[0] == '/' || (pass->regex && path.p[0] == '$'));
    must(pass->backend->name.n && pass->backend->timeout_ms >= 0 && pass->backend->connect_timeout_ms >= 0);
    must(pass->backend->address.kind == ADDRESS_UNIX ? pass->backend->address.path.p[0] == '/'
                                                     : pass->backend->address.port - 1 < 65535);
}

static void check_section(const struct section *section)
{
    const struct dir_config *d = &section->config;

    must((section->kind == SECTION_REGEX) == (section->regex != NULL));
    must(!section->expr || section->kind == SECTION_IF);
    for (size_t i = 0; i < section->names.count; i++)
        must(section->names.items[i].group - 1 < REGEX_GROUPS_MAX - 1);
    if (d->pass)
        check_pass(d->pass);
    if (d->handler)
        check_pass(d->handler);
    for (size_t i = 0; i < d->files.count; i++)
        check_section(d->files.items[i]);
    for (size_t i = 0; i < d->ifs.count; i++)
        check_section(d->ifs.items[i]);
}

static void check_server(const struct server *s)
{
    must(s->name.p && s->admin.p && s->document_root.p && s->document_root.p[0] == '/');
    must(s->timeout_ms > 0 && s->proxy_timeout_ms >= 0 && (s->keep_alive & ~1) == 0);
    for (size_t i = 0; i < s->passes.count; i++)
        check_pass(&s->passes.items[i]);
    for (size_t i = 0; i < s->locations.count; i++)
        check_section(&s->locations.items[i]);
    for (size_t i = 0; i < s->directories.count; i++)
        check_section(&s->directories.items[i]);
    for (size_t i = 0; i < s->proxies.count; i++)
        check_section(&s->proxies.items[i]);
    for (size_t i = 0; i < s->dir.files.count; i++)
        check_section(s->dir.files.items[i]);
    for (size_t i = 0; i < s->dir.ifs.count; i++)
        check_section(s->dir.ifs.items[i]);
    for (size_t i = 0; i < s->redirects.count; i++)
        must((s->redirects.items[i].status < 400) == (s->redirects.items[i].target.p != NULL));
}

static void check_model(const struct model *m)
{
    must(m->listens.count && m->server_root.p[0] == '/' && m->runtime_dir.p[0] == '/');
    check_server(m->main);
    for (size_t i = 0; i < m->virtual_hosts.count; i++)
        check_server(m->virtual_hosts.items[i]);
    for (size_t i = 0; i < m->backends.count; i++)
        must(m->backends.items[i]->id == i);
    for (size_t i = 1; i < m->types.count; i++)
        must(!str_eq(m->types.items[i - 1].extension, m->types.items[i].extension));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bundle bundle = bundle_make(str_make((const char *)data, size));
    struct config_source source = bundle_source(&bundle);
    struct config_options options = {.file = STR(BUNDLE_FILE), .directory = STR("/")};
    struct str define = STR("GIVEN");
    struct diag_list diags;
    struct arena arena;
    struct model *m;

    arena_init(&arena, NULL, 0);
    diag_list_init(&diags, &arena);
    options.defines.items = &define;
    options.defines.count = 1;
    m = config_load(&source, &options, &arena, &diags);
    must((m == NULL) == (diags.errors > 0));
    for (const struct diag *d = diags.first; d; d = d->next) {
        must(d->place.column <= d->place.source.n + 1);
        must(diag_text(&arena, d).n > 0);
    }
    if (m) {
        check_model(m);
        model_finish(m);
    }
    arena_finish(&arena);
    return 0;
}
