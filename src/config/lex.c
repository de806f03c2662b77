#include "config/lex.h"

/* What isspace() says in the C locale, without the newline that ends a line. */
bool lex_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void add_piece(struct arena *arena, struct lex_line *line, struct lex_piece piece)
{
    if (line->count == line->room) {
        size_t room = line->room ? 2 * line->room : 1;
        struct lex_piece *pieces = ARENA_ARRAY(arena, struct lex_piece, room);

        if (line->count)
            memcpy(pieces, line->pieces, line->count * sizeof *pieces);
        line->pieces = pieces;
        line->room = room;
    }
    line->pieces[line->count++] = piece;
}

void lex_builder_init(struct lex_builder *b, struct arena *arena, struct str file)
{
    *b = (struct lex_builder){.arena = arena, .line.file = file};
}

static void append_bytes(struct lex_builder *b, struct str s)
{
    if (s.n > b->room - b->n) {
        size_t room = b->room < 128 ? 128 : 2 * b->room;
        char *p;

        while (room - b->n < s.n)
            room *= 2;
        p = arena_alloc(b->arena, room);
        if (b->n)
            memcpy(p, b->p, b->n);
        b->p = p;
        b->room = room;
    }
    if (s.n)
        memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

void lex_builder_copy(struct lex_builder *b, const struct lex_line *line, size_t from, size_t to)
{
    for (size_t i = 0; i < line->count; i++) {
        struct lex_piece piece = line->pieces[i];
        size_t end = i + 1 < line->count ? line->pieces[i + 1].at : line->text.n;
        size_t start = piece.at < from ? from : piece.at;

        end = end < to ? end : to;
        if (start >= end)
            continue;
        if (!piece.fixed)
            piece.column += (unsigned)(start - piece.at);
        piece.at = b->n;
        add_piece(b->arena, &b->line, piece);
        append_bytes(b, str_make(line->text.p + start, end - start));
    }
}

void lex_builder_insert(struct lex_builder *b, const struct lex_line *line, size_t at, struct str text)
{
    struct diag_place place = lex_place(line, at);

    add_piece(b->arena, &b->line, (struct lex_piece){b->n, place.source, place.line, place.column, true});
    append_bytes(b, text);
}

struct lex_line lex_builder_done(struct lex_builder *b)
{
    append_bytes(b, str_make("", 1));
    b->line.text = str_make(b->p, b->n - 1);
    return b->line;
}

struct lex lex_begin(struct arena *arena, struct str file, struct str text)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";

    if (str_starts(text, str_make(byte_order_mark, 3)))
        text = str_skip(text, 3);
    return (struct lex){.arena = arena, .file = file, .rest = text};
}

/* One physical line without its newline (LF or CR LF); true if it continues, then without the backslash too.
 */
static bool read_physical(struct lex *l, struct str *line, struct str *source)
{
    struct str s = str_until(&l->rest, '\n');

    l->line++;
    if (s.n && s.p[s.n - 1] == '\r')
        s.n--;
    *source = *line = s;
    if (s.n == 0 || s.p[s.n - 1] != '\\')
        return false;
    line->n--;
    return true;
}

/* The next logical line as it is, in *line; false at the end of the text. Only a joined one is copied. */
static bool read_logical(struct lex *l, struct lex_line *line)
{
    struct lex_builder b;
    struct str text, source;
    bool more;

    if (l->rest.n == 0)
        return false;
    more = read_physical(l, &text, &source);
    *line = (struct lex_line){.file = l->file, .text = text};
    add_piece(l->arena, line, (struct lex_piece){0, source, l->line, 1, false});
    if (!more || l->rest.n == 0)
        return true;
    lex_builder_init(&b, l->arena, l->file);
    lex_builder_copy(&b, line, 0, line->text.n);
    while (more && l->rest.n) {
        more = read_physical(l, &text, &source);
        add_piece(l->arena, &b.line, (struct lex_piece){b.n, source, l->line, 1, false});
        append_bytes(&b, text);
    }
    *line = lex_builder_done(&b);
    return true;
}

/* The line without the blanks at its ends; the pieces move with it. */
static void trim(struct lex_line *line)
{
    struct str s = line->text;
    size_t cut = 0, gone = 0;

    while (cut < s.n && lex_is_blank(s.p[cut]))
        cut++;
    line->text = str_skip(s, cut);
    while (line->text.n && lex_is_blank(line->text.p[line->text.n - 1]))
        line->text.n--;
    for (size_t i = 0; i < line->count; i++) {
        struct lex_piece *piece = &line->pieces[i];

        if (piece->at >= cut) {
            piece->at -= cut;
            continue;
        }
        piece->column += (unsigned)(cut - piece->at);
        piece->at = 0;
        gone = i;
    }
    line->pieces += gone;
    line->count -= gone;
    line->room -= gone;
}

bool lex_next_line(struct lex *l, struct lex_line *line)
{
    while (read_logical(l, line)) {
        trim(line);
        if (line->text.n && line->text.p[0] != '#')
            return true;
    }
    return false;
}

/* s without the backslashes that its quote (0: none) makes needless. */
static struct str unescape(struct arena *arena, struct str s, char quote)
{
    char *p;
    size_t n = 0;

    if (str_find(s, '\\') < 0)
        return s;
    p = arena_alloc(arena, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '\\' || (quote && s.p[i + 1] == quote)))
            i++;
        p[n++] = s.p[i];
    }
    p[n] = '\0';
    return str_make(p, n);
}

bool lex_next_word(struct arena *arena, const struct lex_line *line, size_t *at, size_t end,
                   struct lex_word *word)
{
    const char *p = line->text.p;
    size_t from, to;
    char quote;

    for (from = *at; from < end && lex_is_blank(p[from]);)
        from++;
    if (from >= end)
        return false;
    quote = p[from] == '"' || p[from] == '\'' ? p[from] : '\0';
    word->at = from;
    from += quote != '\0';
    for (to = from; to < end && (quote ? p[to] != quote : !lex_is_blank(p[to])); to++)
        if (quote && p[to] == '\\' && to + 1 < end && (p[to + 1] == quote || p[to + 1] == '\\'))
            to++;
    word->text = unescape(arena, str_make(p + from, to - from), quote);
    word->end = *at = to + (quote && to < end);
    return true;
}

struct diag_place lex_place(const struct lex_line *line, size_t at)
{
    size_t i = line->count - 1;
    const struct lex_piece *piece;

    if (at >= line->text.n)
        at = line->text.n ? line->text.n - 1 : 0;
    while (i && line->pieces[i].at > at)
        i--;
    piece = &line->pieces[i];
    return (struct diag_place){
        .file = line->file,
        .line = piece->line,
        .column = piece->fixed ? piece->column : piece->column + (unsigned)(at - piece->at),
        .source = piece->source,
    };
}
