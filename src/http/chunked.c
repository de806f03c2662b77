#include "http/chunked.h"
#include "http/field.h"

enum step {
    SIZE, /* the first digit of a chunk's size */
    DIGITS,
    SIZE_BLANK, /* blanks that only an extension may follow */
    EXTENSION,
    SIZE_LF,
    CONTENT,
    CONTENT_CR,
    CONTENT_LF,
    TRAILER, /* at the begin of a line behind the last chunk */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    END,
    BAD,
};

enum { DIGITS_MAX = 16, LINE_FREE = 16 };

void chunked_init(struct chunked *c)
{
    *c = (struct chunked){.step = SIZE};
}

static int hex_digit(char c)
{
    if (ascii_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *take_digit(struct chunked *c, int digit)
{
    if (c->digits++ == DIGITS_MAX || c->left > (uint64_t)(INT64_MAX - digit) / 16)
        return "chunk size too large";
    c->left = c->left * 16 + (uint64_t)digit;
    return NULL;
}

/* The size line is complete. A client may not make us read much more extensions than content. */
static const char *begin_chunk(struct chunked *c)
{
    uint64_t allowed = LINE_FREE + 2 * (c->left < CHUNKED_OVERHEAD_MAX ? c->left : CHUNKED_OVERHEAD_MAX);

    c->overhead += c->line;
    c->overhead -= allowed < c->overhead ? (size_t)allowed : c->overhead;
    if (c->overhead > CHUNKED_OVERHEAD_MAX)
        return "too many chunk extensions for the content";
    if (c->left > INT64_MAX - c->total)
        return "chunked content too large";
    c->line = 0;
    c->digits = 0;
    c->step = c->left ? CONTENT : TRAILER;
    return NULL;
}

/* One byte of the line that gives a chunk's size (RFC 9112 section 7.1). */
static const char *size_byte(struct chunked *c, char byte)
{
    int digit = hex_digit(byte);
    bool blank = byte == ' ' || byte == '\t';

    if (c->step == SIZE_LF)
        return byte == '\n' ? begin_chunk(c) : "CR without LF behind a chunk size";
    if (++c->line > CHUNKED_LINE_MAX)
        return "chunk size line too long";
    if (c->step == EXTENSION) {
        if (byte == '\r')
            c->step = SIZE_LF;
        else if (field_value_span(str_make(&byte, 1)) == 0)
            return "control byte in a chunk extension";
        return NULL;
    }
    if (digit >= 0 && c->step != SIZE_BLANK) {
        c->step = DIGITS;
        return take_digit(c, digit);
    }
    if (c->step == SIZE)
        return "chunk without a size";
    if (byte == ';')
        c->step = EXTENSION;
    else if (blank)
        c->step = SIZE_BLANK;
    else if (byte == '\r' && c->step == DIGITS)
        c->step = SIZE_LF;
    else
        return "invalid byte in a chunk size";
    return NULL;
}

/* One byte of the trailer section: field lines, which are checked and forgotten, and an empty line. */
static const char *trailer_byte(struct chunked *c, char byte)
{
    if (++c->line > CHUNKED_TRAILER_MAX)
        return "trailer section too long";
    switch (c->step) {
    case TRAILER:
        if (byte == '\r')
            c->step = LAST_LF;
        else if (field_is_tchar((unsigned char)byte))
            c->step = TRAILER_NAME;
        else
            return "invalid trailer field";
        break;
    case TRAILER_NAME:
        if (byte == ':')
            c->step = TRAILER_VALUE;
        else if (!field_is_tchar((unsigned char)byte))
            return "invalid trailer field";
        break;
    case TRAILER_VALUE:
        if (byte == '\r')
            c->step = TRAILER_LF;
        else if (field_value_span(str_make(&byte, 1)) == 0)
            return "control byte in a trailer field";
        break;
    default:
        if (byte != '\n')
            return "CR without LF in the trailer section";
        c->step = c->step == LAST_LF ? END : TRAILER;
        break;
    }
    return NULL;
}

static const char *content_end_byte(struct chunked *c, char byte)
{
    if (byte != (c->step == CONTENT_CR ? '\r' : '\n'))
        return "chunk longer than its size";
    c->step = c->step == CONTENT_CR ? CONTENT_LF : SIZE;
    return NULL;
}

static const char *frame_byte(struct chunked *c, char byte)
{
    if (c->step <= SIZE_LF)
        return size_byte(c, byte);
    return c->step < TRAILER ? content_end_byte(c, byte) : trailer_byte(c, byte);
}

enum chunked_result chunked_decode(struct chunked *c, struct str *input, struct str *data,
                                   const char **reason)
{
    while (c->step < END && input->n) {
        if (c->step == CONTENT) {
            *data = str_first(*input, c->left < input->n ? (size_t)c->left : input->n);
            *input = str_skip(*input, data->n);
            c->left -= data->n;
            c->total += data->n;
            if (c->left == 0)
                c->step = CONTENT_CR;
            return CHUNKED_DATA;
        }
        c->fault = frame_byte(c, input->p[0]);
        if (c->fault)
            c->step = BAD;
        else
            *input = str_skip(*input, 1);
    }
    if (c->step == BAD) {
        *reason = c->fault;
        return CHUNKED_BAD;
    }
    return c->step == END ? CHUNKED_END : CHUNKED_MORE;
}
