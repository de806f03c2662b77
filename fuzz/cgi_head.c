/* The head of a CGI response: byte by byte it must give what it gives at once, and nothing that lies outside
 * of it. */
#include "base/must.h"
#include "scgi/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cgi_head_limits limits = {.total = 512, .line = 128, .lines = 8};
    struct str bytes = str_make((const char *)data, size);
    struct cgi_head_parser parser = {0}, again = {0};
    struct cgi_head head = {0}, other = {0};
    struct cgi_head_fault fault = {0}, other_fault = {0};
    enum cgi_head_result result, piece = CGI_HEAD_PARTIAL;
    size_t length = 0, other_length = 0;
    struct arena arena;

    arena_init(&arena, NULL, 0);
    result = cgi_head_parse(&parser, bytes, &limits, &arena, &head, &length, &fault);
    for (size_t n = 0; n <= size && piece == CGI_HEAD_PARTIAL; n++)
        piece =
            cgi_head_parse(&again, str_first(bytes, n), &limits, &arena, &other, &other_length, &other_fault);
    must(piece == result);
    must(length == other_length && length <= size && length <= limits.total);
    must(fault.reason == other_fault.reason && fault.offset == other_fault.offset && fault.offset <= size);
    if (result == CGI_HEAD_COMPLETE) {
        must(head.status == other.status && str_eq(head.reason, other.reason));
        must(head.content_length == other.content_length && head.field_count == other.field_count);
    }
    for (size_t i = 0; i < head.field_count && result == CGI_HEAD_COMPLETE; i++) {
        must(field_name_valid(head.fields[i].name) && field_value_valid(head.fields[i].value));
        must(head.fields[i].name.p >= bytes.p &&
             head.fields[i].value.p + head.fields[i].value.n <= bytes.p + length);
        must(str_eq(head.fields[i].value, other.fields[i].value));
    }
    arena_finish(&arena);
    return 0;
}
