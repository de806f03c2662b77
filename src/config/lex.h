/* lex: from the text of a file to logical lines and words, by httpd's rules.
 *
 * A line that ends in a backslash continues on the next one: backslash and newline vanish, the blanks of the
 * next line stay. Empty lines, and lines whose first character besides blanks is '#', are left out; a comment
 * may be continued too. Words are separated by blanks; a word that begins with '"' or '\'' ends at the same
 * character, and a missing one is taken as standing at the end of the line. Inside quotes backslash + quote
 * is the quote; everywhere two backslashes are one; other backslashes stay.
 *
 * A logical line remembers where its pieces come from, so that each word can be shown at its place, whatever
 * was joined or replaced before it.
 *
 *     struct lex lex = lex_begin(arena, file, text);
 *     struct lex_line line;
 *     struct lex_word word;
 *
 *     while (lex_next_line(&lex, &line))
 *         for (size_t at = 0; lex_next_word(arena, &line, &at, line.text.n, &word);)
 *             ... word.text at lex_place(&line, word.at) ...
 */
#ifndef CONFIG_LEX_H
#define CONFIG_LEX_H

#include "base/arena.h"
#include "base/diag.h"

struct lex {
    struct arena *arena;
    struct str file; /* for places */
    struct str rest; /* what was not read yet */
    unsigned line;   /* number of the last physical line that was read */
};

/* From the offset `at` of a logical line on (to the next piece), its text is that of a physical line from
 * `column` on; or, when fixed, all of it stands for the one thing at that column. */
struct lex_piece {
    size_t at;
    struct str source; /* the physical line */
    unsigned line, column;
    bool fixed;
};

struct lex_line {
    struct str file;
    struct str
        text; /* without blanks at its ends; not empty; NUL-terminated unless it is a slice of the file */
    struct lex_piece *pieces;
    size_t count, room;
};

struct lex_word {
    struct str text; /* unescaped, without quotes; from the arena, or a slice of the line */
    size_t at;       /* offset in the line, of the quote if there is one */
    size_t end;      /* offset behind it */
};

struct lex lex_begin(struct arena *arena, struct str file, struct str text);
/* The next line that is neither empty nor a comment; false at the end. */
bool lex_next_line(struct lex *l, struct lex_line *line);
/* The word at or behind *at, but before end; *at is then behind it. False when there is none. */
bool lex_next_word(struct arena *arena, const struct lex_line *line, size_t *at, size_t end,
                   struct lex_word *word);
/* Where an offset of the line comes from; one past the end is the last character. */
struct diag_place lex_place(const struct lex_line *line, size_t at);

/* A line put together from parts of another: begin with an empty one, append spans, finish. */
struct lex_builder {
    struct lex_line line;
    struct arena *arena;
    char *p;
    size_t n, room;
};
void lex_builder_init(struct lex_builder *b, struct arena *arena, struct str file);
/* The line's bytes from `from` to `to`, with their places. */
void lex_builder_copy(struct lex_builder *b, const struct lex_line *line, size_t from, size_t to);
/* Other bytes, all at the place of the line's offset `at`. */
void lex_builder_insert(struct lex_builder *b, const struct lex_line *line, size_t at, struct str text);
struct lex_line lex_builder_done(struct lex_builder *b);

bool lex_is_blank(char c);

#endif
