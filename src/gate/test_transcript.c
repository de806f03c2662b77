#include "gate/test_transcript.h"
#include "reply/error_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

void note(struct test_host *h, const char *format, ...)
{
    char text[HOST_LOG];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (h->log.n)
        out_str(&h->log, STR("; "));
    out_str(&h->log, str_from(text));
    assert_false(h->log.overflow);
}

static void note_fields(struct out *o, const struct field *fields, size_t count, struct str without)
{
    bool first = true;

    for (size_t i = 0; i < count; i++) {
        if (without.p && str_eq(fields[i].value, without))
            continue;
        out_str(o, first ? STR(" [") : STR("|"));
        out_printf(o, "%.*s: %.*s", STR_ARG(fields[i].name), STR_ARG(fields[i].value));
        assert_int_equal(fields[i].id, field_id_of(fields[i].name));
        first = false;
    }
    if (!first)
        out_char(o, ']');
}

struct str head_text(struct test_host *h)
{
    static char text[HOST_LOG];
    struct out o = OUT_INIT(text, sizeof text);
    const struct response *r = exchange_response(&h->x);

    out_printf(&o, "head %d", r->status);
    if (r->reason.p)
        out_printf(&o, " %.*s", STR_ARG(r->reason));
    note_fields(&o, r->fields, r->field_count, h->page ? ERROR_PAGE_TYPE : STR_NONE);
    if (!h->page && r->length != RESPONSE_LENGTH_UNKNOWN)
        out_printf(&o, " length %lld", (long long)r->length);
    if (r->no_content)
        out_str(&o, STR(" without content"));
    assert_false(o.overflow);
    return out_done(&o);
}

void note_head(struct test_host *h)
{
    const struct response *r = exchange_response(&h->x);
    struct str page = error_page(&h->arena, r->status, STR_NONE);

    h->page = h->x.page.p && str_eq(h->x.page, page);
    if (h->page)
        assert_int_equal(r->length, page.n);
    for (size_t i = 0; i < r->field_count; i++) {
        assert_false(field_is_hop_by_hop(r->fields[i].id));
        assert_int_not_equal(r->fields[i].id, FIELD_CONTENT_LENGTH);
    }
    assert_int_equal(r->head_only, h->request.method_id == METHOD_HEAD);
    note(h, "%.*s", STR_ARG(head_text(h)));
}

void note_interim(struct test_host *h)
{
    char text[HOST_LOG];
    struct out o = OUT_INIT(text, sizeof text);
    const struct cgi_head *head = exchange_interim(&h->x);

    out_printf(&o, "interim %d", head->status);
    note_fields(&o, head->fields, head->field_count, STR_NONE);
    note(h, "%.*s", STR_ARG(out_done(&o)));
}

void note_content(struct test_host *h)
{
    const struct response *r = exchange_response(&h->x);

    if (h->content_n == 0)
        return;
    assert_false(r->no_content || r->head_only);
    if (h->page && h->content_n == (size_t)r->length)
        note(h, "page");
    else
        note(h, "content %.*s", (int)h->content_n, h->content);
}

void note_fault(struct test_host *h)
{
    const struct fault *f = exchange_take_fault(&h->x);

    if (!f)
        return;
    note(h, "fault %s %s %d: %.*s", fault_blame_id(f->blame), fault_stage_id(f->stage), f->status,
         STR_ARG(f->message));
    assert_null(exchange_take_fault(&h->x)); /* told once */
}
