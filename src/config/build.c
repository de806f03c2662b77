/* From the tree to the model: each node is looked up in the table, checked for place and number of arguments,
 * and set. The main server is read whole before the virtual hosts, which begin as copies of it. */
#include "config/directive.h"
#include "config/fault.h"
#include "config/value.h"

#include <stdlib.h>

/* ---- one node ---- */

static void report_unknown(const struct scope *s, const struct node *n)
{
    struct str meant = rules_suggest(s->load->arena, n->name, n->section);
    const char *open = n->section ? "<" : "", *close = n->section ? ">" : "";
    struct diag *d = fault_add(s->load->diags, DIAG_ERROR, node_place(n), "unknown %s \"%s%.*s%s\"",
                               n->section ? "section" : "directive", open, STR_ARG(n->name), close);

    if (meant.p)
        fault_hint(s->load->diags, d, "did you mean \"%.*s\"?", STR_ARG(meant));
}

static const char *context_name(unsigned context)
{
    switch (context) {
    case IN_VHOST:
        return "in <VirtualHost>";
    case IN_DIRECTORY:
        return "in <Directory>";
    case IN_LOCATION:
        return "in <Location>";
    case IN_FILES:
        return "in <Files>";
    case IN_PROXY:
        return "in <Proxy>";
    case IN_IF:
        return "in <If>";
    case IN_REQUIRE:
        return "in <RequireAll> and its like";
    }
    return "outside of a section";
}

static bool check_context(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct diag *d;
    struct str where;

    if (row->contexts & s->context)
        return true;
    where = rules_contexts(row->contexts);
    d = fault_add(s->load->diags, DIAG_ERROR, node_place(n), "%s%.*s%s is not allowed %s",
                  row->section ? "<" : "", STR_ARG(row->name), row->section ? ">" : "",
                  context_name(s->context));
    fault_hint(s->load->diags, d, "its places are: %.*s", STR_ARG(where));
    return false;
}

static struct str count_words(struct arena *arena, int min, int max)
{
    static const char *const numbers[] = {"no", "one", "two", "three", "four"};

    if (max == ANY_NUMBER)
        return arena_printf(arena, "at least %s argument%s", numbers[min], min == 1 ? "" : "s");
    if (min == max)
        return arena_printf(arena, "%s argument%s", numbers[min], min == 1 ? "" : "s");
    return arena_printf(arena, "%s to %s arguments", numbers[min], numbers[max]);
}

/* An empty word in the place of a needed argument counts as none, as in httpd. */
static bool check_count(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct str want = count_words(s->load->arena, row->min, row->max);
    size_t at = 0;
    struct diag *d;

    if (n->section && n->no_bracket) {
        fault_add(s->load->diags, DIAG_ERROR, node_place(n), "\"<%.*s\" is missing its closing \">\"",
                  STR_ARG(row->name));
        return false;
    }
    while (at < n->count && !(at < (size_t)row->min && n->words[at].text.n == 0) &&
           (row->max == ANY_NUMBER || at < (size_t)row->max))
        at++;
    if (at == n->count && n->count >= (size_t)row->min)
        return true;
    d = scope_error(s, n, at, "%s%.*s%s takes %.*s", row->section ? "<" : "", STR_ARG(row->name),
                    row->section ? ">" : "", STR_ARG(want));
    if (at < n->count && str_starts(n->words[at].text, STR("#")))
        fault_hint(s->load->diags, d, "a comment needs a line of its own");
    else
        fault_hint(s->load->diags, d, "syntax: %s", row->syntax);
    return false;
}

static void run_node(const struct scope *s, const struct node *n, bool early)
{
    const struct directive *row = rules_find(n->name, n->section);

    if (early != (row && row->early))
        return;
    if (!row) {
        report_unknown(s, n);
        return;
    }
    if (row->set == set_refused) {
        row->set(s, row, n);
        return;
    }
    if (check_context(s, row, n) && check_count(s, row, n))
        row->set(s, row, n);
}

void scope_run(const struct scope *s, const struct node *first)
{
    for (const struct node *n = first; n; n = n->next)
        run_node(s, n, true);
    for (const struct node *n = first; n; n = n->next)
        run_node(s, n, false);
}

/* ---- servers ---- */

static void server_defaults(struct load *load, struct server *server)
{
    *server = (struct server){
        .name = STR("localhost"),
        .admin = STR("[no address given]"),
        .timeout_ms = 60 * 1000,
        .keep_alive = 1,
        .keep_alive_timeout_ms = 5000,
        .max_keep_alive_requests = 100,
        .limit_request_line = 8190,
        .limit_request_field_size = 8190,
        .limit_request_fields = 100,
        .merge_slashes = 1,
        .log_level = LOG_LEVEL_WARN,
    };
    (void)load;
    dir_config_init(&server->dir);
}

static size_t path_segments(struct str path)
{
    size_t n = 0;

    for (size_t i = 0; i + 1 < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

static bool directory_after(const struct section *a, const struct section *b)
{
    bool a_regex = a->kind == SECTION_REGEX, b_regex = b->kind == SECTION_REGEX;

    if (a_regex || b_regex)
        return a_regex && !b_regex;
    return path_segments(a->pattern) > path_segments(b->pattern);
}

/* Insertion sort: stable, and the list is short. */
static void sort_directories(struct server *server)
{
    struct section *items = server->directories.items;

    for (size_t i = 1; i < server->directories.count; i++) {
        struct section moved = items[i];
        size_t at = i;

        for (; at && directory_after(&items[at - 1], &moved); at--)
            items[at] = items[at - 1];
        items[at] = moved;
    }
}

/* The last line that said ProxyRequests On is refused, unless the directive that allows it is there. */
static void check_forward(const struct scope *s)
{
    const struct node *n = s->load->proxy_requests;
    struct diag *d;

    if (!n || !s->server->proxy_requests || s->server->scgi_forward)
        return;
    d = scope_error(s, n, 0, "ProxyRequests On would let clients reach any SCGI server");
    fault_hint(s->load->diags, d,
               "a gateway needs only ProxyPass; \"ProxySCGIForward On\" allows it for those who want it");
}

static void run_server(struct load *load, struct server *server, struct dir_config *dir, unsigned context,
                       const struct node *first)
{
    struct scope scope = {load, server, dir, NULL, context};

    load->custom_logs.count = 0;
    load->proxy_requests = NULL;
    scope_run(&scope, first);
    rules_finish_logs(&scope);
    check_forward(&scope);
    sort_directories(server);
}

/* A virtual host begins as the main server; its lists continue the main server's. */
static void load_host(struct load *load, const struct node *node)
{
    struct model *m = load->model;
    struct server *server = ARENA_NEW(load->arena, struct server);
    struct scope scope = {load, server, &server->dir, NULL, IN_SERVER};
    struct dir_config dir;

    *server = *m->main;
    server->is_virtual = true;
    server->place = node_place(node);
    server->scheme = STR_NONE;
    server->port = 0;
    server->file_aliases.items = NULL;
    server->file_aliases.count = server->file_aliases.room = 0;
    server->redirects.items = NULL;
    server->redirects.count = server->redirects.room = 0;
    SEAL(server->custom_logs);
    SEAL(server->passes);
    SEAL(server->locations);
    SEAL(server->directories);
    SEAL(server->proxies);
    dir_config_init(&dir);
    *GROW(load->arena, m->virtual_hosts) = server;
    set_host_addresses(&scope, node);
    run_server(load, server, &dir, IN_VHOST, node->first);
    dir_config_merge(load->arena, &m->main->dir, &dir, &server->dir);
    /* Its own aliases and redirects are looked at first. */
    for (size_t i = 0; i < m->main->file_aliases.count; i++)
        *GROW(load->arena, server->file_aliases) = m->main->file_aliases.items[i];
    for (size_t i = 0; i < m->main->redirects.count; i++)
        *GROW(load->arena, server->redirects) = m->main->redirects.items[i];
}

/* ---- the whole ---- */

static void check_listens(struct load *load, struct str file)
{
    struct diag *d;

    if (load->model->listens.count)
        return;
    d = fault_add(load->diags, DIAG_ERROR, (struct diag_place){.file = file}, "no Listen directive");
    fault_hint(load->diags, d,
               "say where to listen, e.g. \"Listen 8080\" or \"Listen unix:/run/scgate.sock\"");
}

/* The directory of the file is what paths are relative to until ServerRoot says otherwise. */
static struct str directory_of(struct arena *arena, struct str path)
{
    ptrdiff_t slash = str_find_last(path, '/');

    return slash > 0 ? arena_copy(arena, str_first(path, (size_t)slash)) : STR("/");
}

static void read_tree(struct tree *tree, const struct config_source *source,
                      const struct config_options *options, struct arena *arena, struct diag_list *diags)
{
    struct str file = value_path(arena, options->directory, options->file);

    tree_init(tree, source, arena, diags);
    tree->root_fixed = options->server_root.p != NULL;
    tree->server_root = tree->root_fixed ? value_path(arena, options->directory, options->server_root)
                                         : directory_of(arena, file);
    for (size_t i = 0; i < options->defines.count; i++)
        tree_define(tree, options->defines.items[i], STR_NONE);
    for (size_t i = 0; i < options->before.count; i++)
        tree_read_text(tree, STR_NONE, options->before.items[i]);
    tree_read_file(tree, file, options->file);
    for (size_t i = 0; i < options->after.count; i++)
        tree_read_text(tree, STR_NONE, options->after.items[i]);
}

static struct model *make_model(struct arena *arena, struct str server_root)
{
    struct model *m = ARENA_NEW(arena, struct model);

    m->arena = arena;
    m->server_root = server_root;
    m->runtime_dir = value_path(arena, server_root, STR("logs"));
    m->listen_backlog = 511;
    m->software = STR("scgate/" SCGATE_VERSION);
    m->spool_directory = STR("/tmp");
    m->spool_quota = (int64_t)4 << 30;
    m->main = ARENA_NEW(arena, struct server);
    return m;
}

struct model *config_load(const struct config_source *source, const struct config_options *options,
                          struct arena *arena, struct diag_list *diags)
{
    struct load load = {.source = source, .arena = arena, .diags = diags};
    struct scope scope = {&load, NULL, NULL, NULL, IN_SERVER};
    struct model *m;
    struct tree tree;

    read_tree(&tree, source, options, arena, diags);
    load.model = m = make_model(arena, tree.server_root);
    server_defaults(&load, m->main);
    m->main->document_root = value_path(arena, m->server_root, STR("htdocs"));
    run_server(&load, m->main, &m->main->dir, IN_SERVER, tree.root.first);
    for (size_t i = 0; i < load.hosts.count; i++)
        load_host(&load, load.hosts.items[i]);
    m->section_count = load.next_section;
    scope.server = m->main;
    rules_load_types(&scope);
    if (!tree.stopped)
        check_listens(&load, options->file);
    fault_sort(diags);
    if (diags->errors) {
        model_finish(m);
        return NULL;
    }
    return m;
}

void model_finish(struct model *m)
{
    for (size_t i = 0; i < m->regexes.count; i++)
        regex_free(m->regexes.items[i]);
    m->regexes.count = 0;
    for (size_t i = 0; i < m->exprs.count; i++)
        expr_free(m->exprs.items[i]);
    m->exprs.count = 0;
}
