#include "config/grow.h"
#include "config/model.h"

void dir_config_init(struct dir_config *d)
{
    *d = (struct dir_config){
        .ignore_client_abort = UNSET,
        .gateway_interface = UNSET,
        .limit_request_body = UNSET,
        .limit_response_head = UNSET,
        .limit_response_line = UNSET,
        .limit_response_fields = UNSET,
        .follow_symlinks = UNSET,
        .interpolate = UNSET,
        .canonical_name = UNSET,
        .canonical_port = UNSET,
        .signature = UNSET,
        .current_uri = UNSET,
        .pass_authorization = UNSET,
        .qualify_redirect_url = UNSET,
    };
}

/* out's list (a copy of base's) continued by add's; base's and add's items stay as they are. */
#define APPEND(arena, out, add)                                                                              \
    do {                                                                                                     \
        SEAL(out);                                                                                           \
        for (size_t i = 0; i < (add).count; i++)                                                             \
            *GROW((arena), (out)) = (add).items[i];                                                          \
    } while (0)

/* Without AuthMerging And or Or in the inner section, what it requires stands alone; AuthMerging Off without
 * a Require lifts what was required. */
static struct require *merge_require(struct arena *arena, const struct dir_config *base,
                                     const struct dir_config *add)
{
    struct require *both;

    if (!add->require && add->auth_merging != AUTH_MERGING_OFF)
        return base->require;
    if (!base->require || add->auth_merging == AUTH_MERGING_UNSET || add->auth_merging == AUTH_MERGING_OFF)
        return add->require;
    both = ARENA_NEW(arena, struct require);
    both->kind = add->auth_merging == AUTH_MERGING_AND ? REQUIRE_ALL : REQUIRE_ANY;
    both->text = add->require->text;
    both->place = add->require->place;
    *GROW(arena, both->parts) = base->require;
    *GROW(arena, both->parts) = add->require;
    return both;
}

static void merge_number(int *out, int add)
{
    if (add != UNSET)
        *out = add;
}

void dir_config_merge(struct arena *arena, const struct dir_config *base, const struct dir_config *add,
                      struct dir_config *out)
{
    *out = *base;
    if (add->internal_redirect.state != HEADER_SWITCH_UNSET)
        out->internal_redirect = add->internal_redirect;
    if (add->sendfile.state != HEADER_SWITCH_UNSET)
        out->sendfile = add->sendfile;
    if (add->path_info != PATH_INFO_UNSET)
        out->path_info = add->path_info;
    if (add->request_buffering != REQUEST_BUFFERING_UNSET)
        out->request_buffering = add->request_buffering;
    if (add->ignore_client_abort != UNSET)
        out->ignore_client_abort = add->ignore_client_abort;
    if (add->gateway_interface != UNSET)
        out->gateway_interface = add->gateway_interface;
    out->require = merge_require(arena, base, add);
    if (add->access_list)
        out->access_list = add->access_list;
    if (add->limit_request_body != UNSET)
        out->limit_request_body = add->limit_request_body;
    if (add->limit_response_head != UNSET)
        out->limit_response_head = add->limit_response_head;
    if (add->limit_response_line != UNSET)
        out->limit_response_line = add->limit_response_line;
    if (add->limit_response_fields != UNSET)
        out->limit_response_fields = add->limit_response_fields;
    if (add->follow_symlinks != UNSET)
        out->follow_symlinks = add->follow_symlinks;
    if (add->pass)
        out->pass = add->pass;
    merge_number(&out->interpolate, add->interpolate);
    merge_number(&out->canonical_name, add->canonical_name);
    merge_number(&out->canonical_port, add->canonical_port);
    merge_number(&out->signature, add->signature);
    merge_number(&out->current_uri, add->current_uri);
    merge_number(&out->pass_authorization, add->pass_authorization);
    merge_number(&out->qualify_redirect_url, add->qualify_redirect_url);
    if (add->handler_set) {
        out->handler_set = true;
        out->handler = add->handler;
    }
    APPEND(arena, out->env, add->env);
    APPEND(arena, out->setenvif, add->setenvif);
    APPEND(arena, out->headers, add->headers);
    APPEND(arena, out->request_headers, add->request_headers);
    APPEND(arena, out->types, add->types);
    APPEND(arena, out->error_documents, add->error_documents);
    APPEND(arena, out->files, add->files);
    APPEND(arena, out->ifs, add->ifs);
    if (add->redirects.count) { /* inner ones come first */
        out->redirects.items = NULL;
        out->redirects.count = 0;
        APPEND(arena, out->redirects, add->redirects);
        APPEND(arena, out->redirects, base->redirects);
    }
    SEAL(out->redirects);
    if (add->directory_index_set) {
        out->directory_index.items = add->directory_index.items;
        out->directory_index.count = add->directory_index.count;
        out->directory_index_set = true;
    }
    SEAL(out->directory_index);
}
