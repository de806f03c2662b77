/* The loader of configurations, with several files in one input: no model without errors, none with; each
 * fault has a place that can be shown. */
#include "base/must.h"
#include "config/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_pass(const struct pass *pass)
{
    must(pass->exclude == (pass->backend == NULL));
    if (pass->exclude)
        return;
    must(pass->authority.n && (pass->target_path.n == 0 || pass->target_path.p[0] == '/'));
    must(pass->backend->name.n && pass->backend->timeout_ms >= 0 && pass->backend->connect_timeout_ms >= 0);
    must(pass->backend->address.kind == ADDRESS_UNIX ? pass->backend->address.path.p[0] == '/'
                                                     : pass->backend->address.port - 1 < 65535);
}

static void check_server(const struct server *s)
{
    must(s->name.p && s->admin.p && s->document_root.p && s->document_root.p[0] == '/');
    must(s->timeout_ms > 0 && s->proxy_timeout_ms >= 0 && (s->keep_alive & ~1) == 0);
    for (size_t i = 0; i < s->passes.count; i++)
        check_pass(&s->passes.items[i]);
    for (size_t i = 0; i < s->locations.count; i++) {
        const struct section *section = &s->locations.items[i];

        must((section->kind == SECTION_REGEX) == (section->regex != NULL));
        if (section->config.pass)
            check_pass(section->config.pass);
    }
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
