/* Every vector is parsed whole, in every single cut, byte by byte and in random multi-cuts; all ways must
 * give the same text of the result. What was received always ends at a guard page, and is at another address
 * each time. */
#include "http/guard_test.h"
#include "http/h1.h"

#include "base/out.h"

enum { TEXT_MAX = 32 * 1024, RANDOM_CUTS = 40, MUTATIONS = 3000 };

static const struct h1_limits usual = {.line_length = 8190, .field_length = 8190, .fields = 100};
static const struct h1_limits small = {.line_length = 40, .field_length = 20, .fields = 3};

static struct guard guard;

/* The result as text: for a request "size|method|form|scheme|authority|path|query|version|body|flags", then a
 * line per field; for a fault "status reason @offset directive line". */
static void print_request(struct out *o, const struct request *q, size_t size)
{
    static const char *const bodies[] = {"-", "length", "chunked"};

    out_printf(o, "%zu|%.*s|%d|%.*s|%.*s|", size, STR_ARG(q->method), (int)q->uri.form,
               STR_ARG(q->uri.scheme), STR_ARG(q->authority));
    out_printf(o, "%.*s|%s%.*s|%.*s=%d|%s", STR_ARG(q->uri.path), q->uri.query.p ? "?" : "",
               STR_ARG(q->uri.query), STR_ARG(q->protocol), q->minor_version, bodies[q->body]);
    if (q->body == REQUEST_BODY_LENGTH)
        out_printf(o, " %llu", (unsigned long long)q->content_length);
    out_printf(o, "|%s%s\n", q->keep_alive ? "k" : "", q->expect_continue ? "e" : "");
    for (size_t i = 0; i < q->field_count; i++) {
        assert_int_equal(q->fields[i].id, field_id_of(q->fields[i].name));
        out_printf(o, "%.*s=%.*s\n", STR_ARG(q->fields[i].name), STR_ARG(q->fields[i].value));
    }
}

static void print_fault(struct out *o, const struct request *q, const struct h1_fault *fault)
{
    out_printf(o, "%d %s @%zu %s|", fault->status, fault->reason, fault->offset,
               fault->directive ? fault->directive : "");
    out_escaped(o, q->line, 60);
    out_printf(o, "|%.*s|%.*s", STR_ARG(q->method), STR_ARG(q->protocol));
    assert_null(q->fields);
    assert_int_equal(q->field_count, 0);
    assert_null(q->target.p);
    assert_null(q->uri.path.p);
    assert_null(q->authority.p);
    assert_int_equal(q->body, REQUEST_BODY_NONE);
}

/* Feeds the bytes so far and prints what came out; false when more is wanted. */
static bool feed(struct h1_parser *parser, struct str so_far, const struct h1_limits *limits, struct out *o)
{
    struct request request;
    struct h1_fault fault;
    struct arena arena;
    size_t size = 0;
    enum h1_result result;

    so_far = guard_copy(&guard, so_far);
    arena_init(&arena, NULL, 0);
    result = h1_parse_request(parser, so_far, limits, &arena, &request, &size, &fault);
    o->n = 0;
    if (result == H1_PARTIAL) {
        assert_int_equal(parser->scanned, so_far.n); /* nothing will be looked at twice */
        assert_null(arena.chunks);
        out_printf(o, "partial %u", parser->lines);
    } else if (result == H1_COMPLETE) {
        assert_true(size <= so_far.n);
        print_request(o, &request, size);
    } else {
        print_fault(o, &request, &fault);
    }
    assert_false(o->overflow);
    arena_finish(&arena);
    return result != H1_PARTIAL;
}

/* Feeds in pieces that end at the given offsets (ascending; the last is the end). */
static struct str run(struct str raw, const size_t *ends, size_t count, const struct h1_limits *limits,
                      char *text)
{
    struct h1_parser parser = {0};
    struct out o = OUT_INIT(text, TEXT_MAX);

    for (size_t i = 0; i < count; i++)
        if (feed(&parser, str_first(raw, ends[i]), limits, &o))
            break;
    return out_done(&o);
}

static void same(struct str raw, struct str want, const size_t *ends, size_t count,
                 const struct h1_limits *limits)
{
    static char text[TEXT_MAX];
    struct str got = run(raw, ends, count, limits, text);

    if (!str_eq(got, want))
        fail_msg("cut differently (%zu pieces, first %zu):\n%.*s\ngives\n%.*s\nnot\n%.*s", count, ends[0],
                 STR_ARG(raw), STR_ARG(got), STR_ARG(want));
}

static void all_cuts(struct str raw, struct str want, const struct h1_limits *limits, uint64_t *seed)
{
    size_t *ends = malloc((raw.n + 2) * sizeof *ends);
    size_t step = raw.n > 2000 ? 7 : 1;

    for (size_t at = 0; at <= raw.n; at += step)
        same(raw, want, (size_t[]){at, raw.n}, 2, limits);
    for (size_t at = 0; at <= raw.n; at++)
        ends[at] = at;
    same(raw, want, ends, raw.n + 1, limits);
    for (int i = 0; i < RANDOM_CUTS; i++) {
        size_t count = 0, at = 0;

        while (at < raw.n)
            ends[count++] = at += 1 + random_below(seed, raw.n < 12 ? raw.n : 12 + raw.n / 8);
        ends[count ? count - 1 : 0] = raw.n;
        same(raw, want, ends, count ? count : 1, limits);
    }
    free(ends);
}

static struct str whole(struct str raw, const struct h1_limits *limits)
{
    static char text[TEXT_MAX];

    return run(raw, &raw.n, 1, limits, text);
}

struct vector {
    struct str raw;
    const char *want; /* the whole text, or for a fault its beginning */
};

#define H "Host: h\r\n"
#define V(text, want)                                                                                        \
    {                                                                                                        \
        STR_INIT(text), want                                                                                 \
    }

/* clang-format off */
static const struct vector accepted[] = {
    V("GET / HTTP/1.1\r\n" H "\r\n", "27|GET|0||h|/||HTTP/1.1=1|-|k\nHost=h\n"),
    V("GET /a/b?x=1?y HTTP/1.1\r\n" H "\r\nGET ", "36|GET|0||h|/a/b|?x=1?y|HTTP/1.1=1|-|k\nHost=h\n"),
    V("GET /? HTTP/1.1\r\n" H "\r\n", "28|GET|0||h|/|?|HTTP/1.1=1|-|k\nHost=h\n"),
    /* RFC 9112 2.2: empty lines before the request line; ten are allowed */
    V("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "31|GET|0||h|/||HTTP/1.1=1|-|k\nHost=h\n"),
    V("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n", "38|GET|0|||/||HTTP/1.0=0|-|\n"),
    /* RFC 9112 9.3: who keeps the connection */
    V("GET / HTTP/1.0\r\n\r\n", "18|GET|0|||/||HTTP/1.0=0|-|\n"),
    V("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "42|GET|0|||/||HTTP/1.0=0|-|k\nConnection=Keep-Alive\n"),
    V("GET / HTTP/1.0\r\nConnection: x, keep-alive ,close\r\n\r\n", "52|GET|0|||/||HTTP/1.0=0|-|\nConnection=x, keep-alive ,close\n"),
    V("GET / HTTP/1.1\r\nconnection: a\r\n" H "Connection:b,\tCLOSE\r\n\r\n", "63|GET|0||h|/||HTTP/1.1=1|-|\nconnection=a\nHost=h\nConnection=b,\tCLOSE\n"),
    /* versions, as Apache takes them */
    V("GET / HTTP/1.2\r\n" H "\r\n", "27|GET|0||h|/||HTTP/1.2=1|-|k\nHost=h\n"),
    V("GET / HTTP/2.0\r\n" H "\r\n", "27|GET|0||h|/||HTTP/2.0=1|-|k\nHost=h\n"),
    /* methods are case-sensitive tokens */
    V("get / HTTP/1.1\r\n" H "\r\n", "27|get|0||h|/||HTTP/1.1=1|-|k\nHost=h\n"),
    V("M-SEARCH!#$%&'*+-.^_`|~09 / HTTP/1.1\r\n" H "\r\n", "49|M-SEARCH!#$%&'*+-.^_`|~09|0||h|/||HTTP/1.1=1|-|k\nHost=h\n"),
    /* target forms (RFC 9112 3.2); the absolute form's authority wins over Host, without its user info */
    V("OPTIONS * HTTP/1.1\r\n" H "\r\n", "31|OPTIONS|3||h|*||HTTP/1.1=1|-|k\nHost=h\n"),
    V("CONNECT h:443 HTTP/1.1\r\n" H "\r\n", "35|CONNECT|2||h:443|||HTTP/1.1=1|-|k\nHost=h\n"),
    V("GET http://O.example:8080/x?y HTTP/1.1\r\n" H "\r\n", "51|GET|1|http|O.example:8080|/x|?y|HTTP/1.1=1|-|k\nHost=h\n"),
    V("GET http://u:p@o?y HTTP/1.0\r\n\r\n", "31|GET|1|http|o|/|?y|HTTP/1.0=0|-|\n"),
    V("GET /\x80\xff\"<>{}|\\^`#f HTTP/1.0\r\n\r\n", "31|GET|0|||/\x80\xff\"<>{}|\\^`#f||HTTP/1.0=0|-|\n"),
    /* Host (RFC 9112 3.2) */
    V("GET / HTTP/1.1\r\nHost: [::1]:18001\r\n\r\n", "37|GET|0||[::1]:18001|/||HTTP/1.1=1|-|k\nHost=[::1]:18001\n"),
    V("GET / HTTP/1.1\r\nhOST:under_score.Example.\r\n\r\n", "45|GET|0||under_score.Example.|/||HTTP/1.1=1|-|k\nhOST=under_score.Example.\n"),
    V("GET / HTTP/1.0\r\n" H "\r\n", "27|GET|0||h|/||HTTP/1.0=0|-|\nHost=h\n"),
    /* values: blanks at the ends go, inside they stay; HTAB and bytes from 0x80 on are text */
    V("GET / HTTP/1.1\r\n" H "A: \t x\ty  \xff \t\r\nB:\r\nC: \t\r\n\r\n", "52|GET|0||h|/||HTTP/1.1=1|-|k\nHost=h\nA=x\ty  \xff\nB=\nC=\n"),
    /* bodies (RFC 9112 6.3) */
    V("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "47|POST|0||h|/||HTTP/1.1=1|length 0|k\nHost=h\nContent-Length=0\n"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 005\r\n\r\nhello", "49|POST|0||h|/||HTTP/1.1=1|length 5|k\nHost=h\nContent-Length=005\n"),
    V("GET / HTTP/1.0\r\nContent-Length: 9223372036854775807\r\n\r\n", "55|GET|0|||/||HTTP/1.0=0|length 9223372036854775807|\nContent-Length=9223372036854775807\n"),
    V("PUT / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", "55|PUT|0||h|/||HTTP/1.1=1|chunked|k\nHost=h\nTransfer-Encoding=Chunked\n"),
    /* Expect (RFC 9110 10.1.1): without meaning in 1.0 */
    V("PUT / HTTP/1.1\r\n" H "Expect: 100-Continue\r\n\r\n", "49|PUT|0||h|/||HTTP/1.1=1|-|ke\nHost=h\nExpect=100-Continue\n"),
    V("PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "40|PUT|0|||/||HTTP/1.0=0|-|\nExpect=100-continue\n"),
    V("PUT / HTTP/1.1\r\n" H "Expect:\r\n\r\n", "36|PUT|0||h|/||HTTP/1.1=1|-|k\nHost=h\nExpect=\n"),
    /* RFC 9112 5.2: folds become one SP each; lines of blanks add nothing */
    V("GET / HTTP/1.1\r\n" H "X: a\r\n  b\r\n\tc \r\nY: 1\r\n\r\n", "49|GET|0||h|/||HTTP/1.1=1|-|k\nHost=h\nX=a b c\nY=1\n"),
    V("GET / HTTP/1.1\r\n" H "X:\r\n \r\n a\r\n \t\r\n b\r\n \r\n\r\n", "49|GET|0||h|/||HTTP/1.1=1|-|k\nHost=h\nX=a b\n"),
    V("GET / HTTP/1.0\r\nConnection: x,\r\n keep-alive\r\n\r\n", "47|GET|0|||/||HTTP/1.0=0|-|k\nConnection=x, keep-alive\n"),
    /* names are tokens, case and repeats are kept */
    V("GET / HTTP/1.1\r\n" H "X.Dot!~: 1\r\n9: 2\r\nx_y: 3\r\nx_Y: 4\r\n\r\n", "61|GET|0||h|/||HTTP/1.1=1|-|k\nHost=h\nX.Dot!~=1\n9=2\nx_y=3\nx_Y=4\n"),
    V("", "partial 0"),
    V("\r", "partial 0"),
    V("\r\n\r\n", "partial 0"),
    V("GET / HTTP/1.1\r\n", "partial 1"),
    V("GET / HTTP/1.1\r\nA: b\r\n\r", "partial 2"),
};

/* Ways to make two parsers disagree about where a message ends or whom it is for, and plain faults. The rule is
 * named; "9112" and "9110" are RFC 9112 and RFC 9110. */
static const struct vector refused[] = {
    /* 9112 6.3: two lengths, even equal ones, in any spelling */
    V("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400 more than one Content-Length @45"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello", "400 more than one Content-Length @45"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\nhello", "400 invalid Content-Length"),
    /* 9112 6.1: length and chunked, in either order */
    V("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 both Content-Length and Transfer-Encoding"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400 both Content-Length and Transfer-Encoding"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: x\r\nContent-Length: 5\r\n\r\n", "400 both Content-Length and Transfer-Encoding"),
    /* 9110 8.6: 1*DIGIT, no sign, blank, list, base, fraction, nothing that overflows */
    V("POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\nhello", "400 invalid Content-Length"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", "400 invalid Content-Length"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 5x\r\n\r\nhello", "400 invalid Content-Length"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\nhello", "400 invalid Content-Length"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 5 0\r\n\r\nhello", "400 invalid Content-Length"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 5.0\r\n\r\nhello", "400 invalid Content-Length"),
    V("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", "400 invalid Content-Length"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: \"5\"\r\n\r\nhello", "400 invalid Content-Length"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n", "400 invalid Content-Length"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551621\r\n\r\n", "400 invalid Content-Length"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n", "400 invalid Content-Length"),
    /* 9112 6.1: chunked must be the last coding, once; other codings are not known here */
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\nzz", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity, chunked\r\n\r\n", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", "501 unknown transfer coding"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip , br,Chunked\r\n\r\n", "501 unknown transfer coding"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: , chunked\r\n\r\n", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked,\r\n\r\n", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: x y, chunked\r\n\r\n", "400 the transfer coding is not chunked"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", "400 more than one Transfer-Encoding"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-encoding: chunked\r\n\r\n", "400 more than one Transfer-Encoding"),
    V("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", "400 Transfer-Encoding in HTTP/1.0"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b" "chunked\r\n\r\n", "400 control byte in a field value @45"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\0\r\n\r\n", "400 control byte in a field value @52"),
    /* 9112 5.1: no blank before the colon, in the name or before it; names are tokens */
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n", "400 blank in or behind a field name @43"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding\t: chunked\r\n\r\n", "400 blank in or behind a field name"),
    V("POST / HTTP/1.1\r\n" H "Content Length: 5\r\n\r\n", "400 blank in or behind a field name"),
    V("POST / HTTP/1.1\r\n Transfer-Encoding: chunked\r\n" H "\r\n", "400 blank before the first field name @17"),
    V("POST / HTTP/1.1\r\n \r\n" H "\r\n", "400 blank before the first field name @17"),
    V("GET / HTTP/1.1\r\n" H "NoColonHere\r\n\r\n", "400 field line without a colon @36"),
    V("GET / HTTP/1.1\r\n" H ": empty\r\n\r\n", "400 empty field name"),
    V("GET / HTTP/1.1\r\n" H "A\xff: x\r\n\r\n", "400 invalid byte in a field name"),
    V("GET / HTTP/1.1\r\n" H "A\0B: x\r\n\r\n", "400 invalid byte in a field name"),
    V("GET / HTTP/1.1\r\n" H "(A): x\r\n\r\n", "400 invalid byte in a field name"),
    V("GET / HTTP/1.1\r\n" H "\xef\xbb\xbfTransfer-Encoding: chunked\r\n\r\n", "400 invalid byte in a field name"),
    /* 9112 5.2: a fold may be refused; in what frames or routes the message it always is */
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n chunked\r\n\r\n", "400 folded Content-Length, Transfer-Encoding or Host"),
    V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip,\r\n\tchunked\r\n\r\n", "400 folded Content-Length, Transfer-Encoding or Host"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n 0\r\n\r\n", "400 folded Content-Length, Transfer-Encoding or Host"),
    V("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n \r\n\r\n", "400 folded Content-Length, Transfer-Encoding or Host"),
    V("GET / HTTP/1.1\r\nHost: a\r\n .b\r\n\r\n", "400 folded Content-Length, Transfer-Encoding or Host"),
    V("GET / HTTP/1.1\r\n" H "X: a\r\n b\0\r\n\r\n", "400 control byte in a field value"),
    /* 9112 2.2: a bare LF or CR ends no line here */
    V("GET / HTTP/1.1\n" H "\r\n", "400 line ends with a bare LF @14"),
    V("GET / HTTP/1.1\r\nHost: h\n\r\n", "400 line ends with a bare LF @23"),
    V("GET / HTTP/1.1\r\n" H "\n", "400 line ends with a bare LF @25"),
    V("GET / HTTP/1.1\r\n" H "X: a\nTransfer-Encoding: chunked\r\n\r\n", "400 line ends with a bare LF"),
    V("\nGET / HTTP/1.1\r\n" H "\r\n", "400 line ends with a bare LF @0"),
    V("GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", "400 control byte in a field value"),
    V("GET / HTTP/1.1\r\n" H "X: a\rTransfer-Encoding: chunked\r\n\r\n", "400 control byte in a field value"),
    V("GET / HTTP/1.1\r\n" H "X: a\r\r\n\r\n", "400 control byte in a field value"),
    V("GET / HTTP/1.1\r\n" H "X\r: a\r\n\r\n", "400 field line without a colon"),
    V("GET /\r HTTP/1.1\r\n" H "\r\n", "400 invalid request target"),
    V("GET / HTTP/1.1\r\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("\rGET / HTTP/1.1\r\n" H "\r\n", "400 the request line does not begin with a method"),
    /* 9110 5.5: no NUL, no control byte, no DEL in values */
    V("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n", "400 control byte in a field value"),
    V("GET / HTTP/1.1\r\n" H "X: 0123456789\x1f" "123456789012345678\r\n\r\n", "400 control byte in a field value"),
    V("GET / HTTP/1.1\r\n" H "X: 0123456789\x7f" "123456789012345678\r\n\r\n", "400 control byte in a field value"),
    V("GET / HTTP/1.1\r\n" H "X:\x08\r\n\r\n", "400 control byte in a field value"),
    /* 9112 3: one SP between three parts, nothing else */
    V("GET  / HTTP/1.1\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET /  HTTP/1.1\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET\t/ HTTP/1.1\r\n" H "\r\n", "400 the request line does not begin with a method"),
    V("GET /\tHTTP/1.1\r\n" H "\r\n", "400 request line without a version"),
    V(" GET / HTTP/1.1\r\n" H "\r\n", "400 the request line does not begin with a method"),
    V("GET / HTTP/1.1 \r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET / x HTTP/1.1\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET\r\n" H "\r\n", "400 the request line does not begin with a method"),
    V("GET \r\n" H "\r\n", "400 request line without a version"),
    V("G(T / HTTP/1.1\r\n" H "\r\n", "400 the request line does not begin with a method"),
    V("GET /a\0b HTTP/1.1\r\n" H "\r\n", "400 invalid request target"),
    V("GET /a\x7f HTTP/1.1\r\n" H "\r\n", "400 invalid request target"),
    V("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\r\n", "400 the request line does not begin with a method"), /* a TLS client */
    /* 9112 2.3: the version */
    V("GET /app/x\r\n", "400 request line without a version (HTTP/0.9) @10"), /* answered before the head is complete */
    V("GET /x HTTP/0.9\r\n\r\n", "505 version below HTTP/1.0"),
    V("GET / HTTP/1.1x\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET / HTTP/1.10\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET / HTTP/11.1\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET / HTTP/1,1\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET / HTTP/x.1\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET / HTTP/1.x\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET / http/1.1\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET / HTTP/1.1", "partial 0"),
    /* 9112 3.2: forms and their methods */
    V("GET * HTTP/1.1\r\n" H "\r\n", "400 invalid request target"),
    V("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 invalid request target"),
    V("GET h:80 HTTP/1.1\r\n" H "\r\n", "400 invalid request target"),
    V("CONNECT /x HTTP/1.1\r\n" H "\r\n", "400 invalid request target"),
    V("CONNECT h HTTP/1.1\r\n" H "\r\n", "400 invalid request target"),
    V("CONNECT h:0 HTTP/1.1\r\n" H "\r\n", "400 invalid authority in the request target"),
    V("GET x HTTP/1.1\r\n" H "\r\n", "400 invalid request target"),
    V("GET ?x HTTP/1.1\r\n" H "\r\n", "400 invalid request target"),
    V("GET http:///x HTTP/1.1\r\n" H "\r\n", "400 invalid request target"),
    V("GET http://a b/ HTTP/1.1\r\n" H "\r\n", "400 the request line does not end with a version"),
    V("GET http://<a>/ HTTP/1.1\r\n" H "\r\n", "400 invalid authority in the request target @11"),
    V("GET http://u@/ HTTP/1.1\r\n" H "\r\n", "400 invalid authority in the request target"),
    /* 9112 3.2: exactly one valid Host, never two, beside an absolute form too */
    V("GET / HTTP/1.1\r\n\r\n", "400 HTTP/1.1 request without Host"),
    V("GET http://h/ HTTP/1.1\r\n\r\n", "400 HTTP/1.1 request without Host"),
    V("GET / HTTP/2.0\r\n\r\n", "400 HTTP/1.1 request without Host"),
    V("GET / HTTP/1.1\r\nHost:\r\n\r\n", "400 invalid Host"),
    V("GET / HTTP/1.0\r\nHost: \r\n\r\n", "400 invalid Host"),
    V("GET / HTTP/1.1\r\n" H H "\r\n", "400 more than one Host"),
    V("GET / HTTP/1.0\r\n" H "host: h\r\n\r\n", "400 more than one Host"),
    V("GET / HTTP/1.1\r\nHost: bad_host<x>\r\n\r\n", "400 invalid Host"),
    V("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400 invalid Host"),
    V("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400 invalid Host"),
    V("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 invalid Host"),
    V("GET / HTTP/1.1\r\nHost: h:\r\n\r\n", "400 invalid Host"),
    V("GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n", "400 invalid Host"),
    V("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 invalid Host"),
    V("GET http://good/ HTTP/1.1\r\nHost: a b\r\n\r\n", "400 invalid Host"),
    /* 9110 10.1.1 */
    V("GET / HTTP/1.1\r\n" H "Expect: 200-maybe\r\n\r\n", "417 unknown expectation"),
    V("GET / HTTP/1.0\r\nExpect: x\r\n\r\n", "417 unknown expectation"),
    V("GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\nExpect: y\r\n\r\n", "417 unknown expectation"),
    V("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", "400 too many empty lines before the request @21"),
};

/* Under line_length 40, field_length 20, fields 3. */
static const struct vector limited[] = {
    V("GET /23456789012345678901234567 HTTP/1.0\r\n\r\n", "44|GET|0|||/23456789012345678901234567||HTTP/1.0=0|-|\n"),
    V("GET /234567890123456789012345678 HTTP/1.0\r\n\r\n", "414 request line too long @40 LimitRequestLine|GET /234567890123456789012345678 HTTP/1.|"),
    V("GET /234567890123456789012345678901234567890123", "414 request line too long @40 LimitRequestLine"),
    V("GET /23456789012345678901234567 HTTP/1.0\r", "partial 0"),
    V("GET /234567890123456789012345678 HTTP/1.0\n", "414 request line too long @40"),
    V("GET /23456789012345678901234567 HTTP/1.0\n", "400 line ends with a bare LF @40"),
    V("\r\nGET /234567890123456789012345678 HTTP/1.0\r\n\r\n", "414 request line too long @42 LimitRequestLine"),
    V("GET / HTTP/1.0\r\nA: 45678901234567890\r\n\r\n", "40|GET|0|||/||HTTP/1.0=0|-|\nA=45678901234567890\n"),
    V("GET / HTTP/1.0\r\nA: 456789012345678901\r\n\r\n", "400 header field too long @36 LimitRequestFieldSize|GET / HTTP/1.0|GET|HTTP/1.0"),
    V("GET / HTTP/1.0\r\nA: 456789012345678901234567890", "400 header field too long @36 LimitRequestFieldSize|GET / HTTP/1.0|GET|HTTP/1.0"),
    V("GET / HTTP/1.0\r\nA: 4567890\r\n 1234567\r\n 1234\r\n\r\n", "47|GET|0|||/||HTTP/1.0=0|-|\nA=4567890 1234567 1234\n"),
    V("GET / HTTP/1.0\r\nA: 4567890\r\n 1234567\r\n 12345\r\n\r\n", "400 header field too long @28 LimitRequestFieldSize"),
    V("GET / HTTP/1.0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", "36|GET|0|||/||HTTP/1.0=0|-|\nA=1\nB=2\nC=3\n"),
    V("GET / HTTP/1.0\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n", "400 too many header fields @34 LimitRequestFields|GET / HTTP/1.0|GET|HTTP/1.0"),
    V("GET / HTTP/1.0\r\nA: 1\r\n 2\r\nC: 3\r\n 4\r\n\r\n", "400 too many header fields"),
    /* the request line is judged before any field */
    V("GET / HTTP/9\r\nA: 4567890123456789012345678901234567890\r\n", "400 the request line does not end with a version"),
};
/* clang-format on */

static void check(const struct vector *v, const struct h1_limits *limits, bool fault, uint64_t *seed)
{
    struct str got = whole(v->raw, limits), want = str_from(v->want);

    if (!(fault ? str_starts(got, want) : str_eq(got, want)))
        fail_msg("\n%.*s\ngives\n%.*s\nnot\n%s", STR_ARG(v->raw), STR_ARG(got), v->want);
    all_cuts(v->raw, got, limits, seed);
}

static void test_accepted(void **state)
{
    uint64_t seed = random_seed();

    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++)
        check(&accepted[i], &usual, false, &seed);
}

static void test_refused(void **state)
{
    uint64_t seed = random_seed();

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        check(&refused[i], &usual, true, &seed);
}

static void test_limits(void **state)
{
    uint64_t seed = random_seed();

    (void)state;
    for (size_t i = 0; i < sizeof limited / sizeof *limited; i++)
        check(&limited[i], &small, true, &seed);
}

/* A request with a field line of n bytes, or with n fields. */
static struct str long_request(char *text, size_t line, size_t fields, size_t field)
{
    struct out o = OUT_INIT(text, TEXT_MAX);

    out_str(&o, STR("GET /"));
    while (o.n + 9 < line)
        out_char(&o, 'a');
    out_str(&o, STR(" HTTP/1.0\r\n"));
    for (size_t i = 0; i < fields; i++) {
        size_t start = o.n;

        out_str(&o, STR("x-a:"));
        while (o.n - start < field)
            out_char(&o, 'v');
        out_str(&o, STR("\r\n"));
    }
    out_str(&o, STR("\r\n"));
    assert_false(o.overflow);
    return out_done(&o);
}

static void check_long(size_t line, size_t fields, size_t field, const char *want)
{
    static char text[TEXT_MAX];
    struct str raw = long_request(text, line, fields, field), got = whole(raw, &usual);
    uint64_t seed = 1;

    if (!str_starts(got, str_from(want)))
        fail_msg("line %zu, %zu fields of %zu bytes: %.*s, not %s", line, fields, field, STR_ARG(got), want);
    same(raw, got, (size_t[]){raw.n / 2, raw.n}, 2, &usual);
    if (raw.n < 1500)
        all_cuts(raw, got, &usual, &seed);
}

/* Apache's defaults, to the byte. */
static void test_default_limits(void **state)
{
    (void)state;
    check_long(8190, 1, 8190, "16386|GET");
    check_long(8191, 0, 0, "414 request line too long @8190 LimitRequestLine");
    check_long(30, 1, 8191, "400 header field too long @8222 LimitRequestFieldSize");
    check_long(30, 100, 10, "1234|GET");
    check_long(30, 101, 10, "400 too many header fields @1232 LimitRequestFields");
}

static void test_no_field_limit(void **state)
{
    static char text[TEXT_MAX];
    struct h1_limits limits = {.line_length = 100, .field_length = 100, .fields = 0};
    struct str raw = long_request(text, 30, H1_FIELDS_MAX, 4);

    (void)state;
    assert_true(str_starts(whole(raw, &limits), STR("6034|GET")));
    raw = long_request(text, 30, H1_FIELDS_MAX + 1, 4);
    assert_true(str_starts(whole(raw, &limits), STR("400 too many header fields")));
}

/* However a head goes on without ending, it is refused before more bytes came than h1.h promises. */
static void test_bounded_memory(void **state)
{
    static const char *const pieces[] = {"\r\n", "a", "GET / HTTP/1.1\r\n", "A: b\r\n", " c\r\n", "\r", "A:"};
    const size_t most =
        2 * H1_EMPTY_LINES_MAX + small.line_length + 2 + small.fields * (small.field_length + 2) + 2;
    uint64_t seed = random_seed();

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct h1_parser parser = {0};
        char input[1024], text[1024];
        struct out o = OUT_INIT(input, sizeof input), result = OUT_INIT(text, sizeof text);
        size_t use = 1 + random_below(&seed, 7);

        do
            out_str(&o,
                    str_from(pieces[(size_t)round % 7 < 2 ? (size_t)round % 7 : random_below(&seed, use)]));
        while (!feed(&parser, out_done(&o), &small, &result) && o.n <= most);
        assert_true(o.n <= most + 16); /* the last piece was the fault */
    }
}

/* Damaged vectors: whatever the result is, it is the same for any cut. */
static void test_mutations(void **state)
{
    static const char bytes[] = "\r\n\r\n :\t,;@/?*%[]\0\x7f\xff\x01"
                                "09azAZ";
    uint64_t seed = random_seed();

    (void)state;
    for (int i = 0; i < MUTATIONS; i++) {
        const struct vector *v = i % 2 ? &accepted[random_below(&seed, sizeof accepted / sizeof *accepted)]
                                       : &refused[random_below(&seed, sizeof refused / sizeof *refused)];
        static char result[TEXT_MAX];
        char copy[512];
        size_t ends[512], n = v->raw.n;
        struct str raw = str_make(copy, n), got;

        assert_true(n < sizeof copy);
        memcpy(copy, v->raw.p, n);
        for (size_t k = 1 + random_below(&seed, 3); n && k; k--)
            copy[random_below(&seed, n)] = bytes[random_below(&seed, sizeof bytes - 1)];
        for (size_t at = 0; at <= n; at++)
            ends[at] = at;
        got = run(raw, &raw.n, 1, i % 3 ? &usual : &small, result);
        same(raw, got, ends, n + 1, i % 3 ? &usual : &small);
    }
}

static void test_methods(void **state)
{
    static const char *const names[] = {"",       "GET",     "HEAD",  "POST",   "PUT",
                                        "DELETE", "OPTIONS", "TRACE", "CONNECT"};

    (void)state;
    for (int m = METHOD_GET; m <= METHOD_CONNECT; m++)
        assert_int_equal(method_of(str_from(names[m])), m);
    assert_int_equal(method_of(STR("get")), METHOD_OTHER);
    assert_int_equal(method_of(STR("PATCH")), METHOD_OTHER);
    assert_int_equal(method_of(STR("")), METHOD_OTHER);
    assert_int_equal(method_of(STR_NONE), METHOD_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_default_limits),
        cmocka_unit_test(test_no_field_limit), cmocka_unit_test(test_bounded_memory),
        cmocka_unit_test(test_mutations),      cmocka_unit_test(test_methods),
    };
    int failed;

    guard = guard_make(TEXT_MAX);
    failed = cmocka_run_group_tests_name("h1", tests, NULL, NULL);
    guard_free(&guard);
    return failed;
}
