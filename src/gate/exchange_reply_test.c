/* Exchanges that the gateway itself answers or turns elsewhere: internal redirects, files that an application
 * names, static files, error documents. */
#include "gate/test_groups.h"

#include "gate/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ASK      "route GET /app/; connect; "
#define OF(text) .answer = STR_INIT(text)
#define TO(path)                                                                                             \
    {                                                                                                        \
        OF("Location: " path "\n\n")                                                                         \
    }
#define OK_ANSWER                                                                                            \
    {                                                                                                        \
        OF("\nok")                                                                                           \
    }
/* What a file of the test has: of the time 1600000000. */
#define MODIFIED "Last-Modified: Sun, 13 Sep 2020 12:26:40 GMT"

/* clang-format off */
static void redirect_off(struct dir_config *d)
{
    d->internal_redirect = (struct header_switch){HEADER_SWITCH_OFF, STR_NONE};
}

static void redirect_other(struct dir_config *d)
{
    d->internal_redirect = (struct header_switch){HEADER_SWITCH_ON, STR("X-Location")};
}

static void sendfile_on(struct dir_config *d)
{
    d->sendfile = (struct header_switch){HEADER_SWITCH_ON, STR("X-Sendfile")};
}

static const struct test_script redirects[] = {
    {"to an application", .backends = {{OF("Status: 200 OK\nLocation: /x?q=1#f\n\nunread")}, OK_ANSWER}, .backend_count = 2,
     .want = ASK "route GET /x?q=1; connect; head 200; content ok; end"},
    {"the backend stays", .backends = {{OF("Location: /x\n\n"), .end = STAYS_OPEN}, OK_ANSWER}, .backend_count = 2,
     .want = ASK "route GET /x; connect; head 200; content ok; end"},
    {"double slash is a path", .backends = {TO("//host/x"), OK_ANSWER}, .backend_count = 2,
     .want = ASK "route GET //host/x; connect; head 200; content ok; end"},
    {"to a file", .backends = {TO("/files/a")}, .files = {{"/srv/files/a", 3}},
     .want = ASK "route GET /files/a; file /srv/files/a; head 200 [" MODIFIED "|ETag: \"3-5af3107a40000\"|Accept-Ranges: bytes] length 3; content abc; end"},
    {"to nothing", .backends = {TO("/files/b")},
     .want = ASK "route GET /files/b; file /srv/files/b; head 404; page; end; fault client file 404: \"/srv/files/b\": no such file"},
    {"POST becomes GET", .method = "POST", .body = STR_INIT("body"), .backends = {TO("/x"), OK_ANSWER}, .backend_count = 2,
     .want = "route POST /app/; connect; route GET /x; connect; head 200; content ok; end"},
    {"HEAD stays", .method = "HEAD", .backends = {TO("/x"), OK_ANSWER}, .backend_count = 2,
     .want = "route HEAD /app/; connect; route HEAD /x; connect; head 200; end"},
    {"other methods become GET", .method = "get", .backends = {TO("/x"), OK_ANSWER}, .backend_count = 2,
     .want = "route get /app/; connect; route GET /x; connect; head 200; content ok; end"},
    {"not with another status", .backends = {{OF("Status: 201\nLocation: /x\n\n")}},
     .want = ASK "head 201 [Location: /x]; end"},
    {"not to a relative one", .backends = {{OF("Location: x\n\n")}}, .want = ASK "head 200 [Location: x]; end"},
    {"not to an empty one", .backends = {{OF("Location:\n\n")}}, .want = ASK "head 200 [Location: ]; end"},
    {"off", .configure = redirect_off, .backends = {TO("/x")}, .want = ASK "head 200 [Location: /x]; end"},
    {"another field", .configure = redirect_other, .backends = {{OF("x-location: /x\nLocation: /y\n\n")}, OK_ANSWER}, .backend_count = 2,
     .want = ASK "route GET /x; connect; head 200; content ok; end"},
    {"another field, not for it", .configure = redirect_other, .backends = {{OF("X-Location: x\nLocation: /y\n\n")}},
     .want = ASK "head 200 [X-Location: x|Location: /y]; end"},
    {"fields that survive", .backends = {
        {OF("Set-Cookie: a=1\nX-A: 1\nLocation: /x\nETag: \"e\"\nContent-Type: a/b\nLast-Modified: x\nContent-Range: y\nContent-Length: 0\nKeep-Alive: 1\nServer: one\n\n")},
        {OF("Location: /y\nSet-Cookie: b=2\nServer: two\n\n")},
        {OF("Set-Cookie: c=3\nContent-Type: text/plain\nX-A: 2\n\nok")}}, .backend_count = 3,
     .want = ASK "route GET /x; connect; route GET /y; connect; head 200 [Set-Cookie: a=1|X-A: 1|Server: two|Set-Cookie: b=2|"
                 "Set-Cookie: c=3|Content-Type: text/plain|X-A: 2]; content ok; end"},
    {"fields survive to an error", .backends = {{OF("Set-Cookie: a=1\nLocation: /x\n\n")}, {OF("")}}, .backend_count = 2,
     .want = ASK "route GET /x; connect; head 502 [Set-Cookie: a=1]; page; end; fault backend response-head 502: closed before any answer"},
    {"for ever", .backends = {TO("/x")},
     .want = ASK "route GET /x; connect; route GET /x; connect; route GET /x; connect; route GET /x; connect; route GET /x; connect; "
                 "route GET /x; connect; route GET /x; connect; route GET /x; connect; route GET /x; connect; route GET /x; connect; "
                 "head 500; page; end; fault backend internal-redirect 500: more than 10 internal redirects, the last to \"/x\""},
};

#define NAME(path) {OF("X-Sendfile: " path "\nSet-Cookie: a=1\n\nunread")}
#define FACTS(size) MODIFIED "|ETag: \"" size "-5af3107a40000\"|Accept-Ranges: bytes"
#define COOKIE_FACTS(size) "[Set-Cookie: a=1|" FACTS(size) "]"

static const struct test_script named_files[] = {
    {"a file", .configure = sendfile_on, .backends = {NAME("/srv/a")}, .files = {{"/srv/a", 5}},
     .want = ASK "file /srv/a; head 200 " COOKIE_FACTS("5") " length 5; content abcde; end"},
    {"a date of the application", .configure = sendfile_on, .backends = {{OF("X-Sendfile: /srv/a\nLast-Modified: Thu, 01 Jan 2015 00:00:00 GMT\n\n")}}, .files = {{"/srv/a", 1}},
     .want = ASK "file /srv/a; head 200 [Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT|ETag: \"1-5af3107a40000\"|Accept-Ranges: bytes] length 1; content a; end"},
    {"an empty file", .configure = sendfile_on, .backends = {NAME("/srv/a")}, .files = {{"/srv/a", 0}},
     .want = ASK "file /srv/a; head 200 " COOKIE_FACTS("0") " length 0; end"},
    {"HEAD", .configure = sendfile_on, .method = "HEAD", .backends = {NAME("/srv/a")}, .files = {{"/srv/a", 5}},
     .want = "route HEAD /app/; connect; file /srv/a; head 200 " COOKIE_FACTS("5") " length 5; end"},
    {"POST", .configure = sendfile_on, .method = "POST", .body = STR_INIT("x"), .backends = {NAME("/srv/a")}, .files = {{"/srv/a", 5}},
     .want = "route POST /app/; connect; file /srv/a; head 200 " COOKIE_FACTS("5") " length 5; content abcde; end"},
    {"the file's own fields of the application", .configure = sendfile_on,
     .backends = {{OF("X-SENDFILE: /srv/a\nContent-Type: a/b\nContent-Type: Text/Plain; x=Y\nETag: \"mine\"\nContent-Range: bytes 0-1/2\nContent-Length: 99\n\n")}}, .files = {{"/srv/a", 1}},
     .want = ASK "file /srv/a; head 200 [" MODIFIED "|ETag: \"mine\"|Accept-Ranges: bytes|Content-Type: text/plain; x=Y] length 1; content a; end"},
    {"status", .configure = sendfile_on, .backends = {{OF("Status: 404 No\nX-Sendfile: /srv/a\n\n")}}, .files = {{"/srv/a", 1}},
     .fields = {{STR_INIT("Range"), STR_INIT("bytes=0-0")}},
     .want = ASK "file /srv/a; head 404 [" FACTS("1") "] length 1; content a; end"},
    {"range", .configure = sendfile_on, .backends = {NAME("/srv/a")}, .files = {{"/srv/a", 9}},
     .fields = {{STR_INIT("Range"), STR_INIT("bytes=2-4")}},
     .want = ASK "file /srv/a; head 206 [Set-Cookie: a=1|" FACTS("9") "|Content-Range: bytes 2-4/9] length 3; content cde; end"},
    {"not modified", .configure = sendfile_on, .backends = {NAME("/srv/a")}, .files = {{"/srv/a", 9}},
     .fields = {{STR_INIT("If-None-Match"), STR_INIT("\"9-5af3107a40000\"")}},
     .want = ASK "file /srv/a; head 304 " COOKIE_FACTS("9") " length 0 without content; end"},
    {"missing", .configure = sendfile_on, .backends = {NAME("/srv/b")},
     .want = ASK "file /srv/b; head 404 [Set-Cookie: a=1]; page; end; fault backend file 404: \"/srv/b\": no such file"},
    {"denied", .configure = sendfile_on, .backends = {NAME("/srv/b")}, .files = {{"/srv/b", -403}},
     .want = ASK "file /srv/b; head 403 [Set-Cookie: a=1]; page; end; fault backend file 403: \"/srv/b\": as the test asked"},
    {"a directory", .configure = sendfile_on, .backends = {NAME("/srv/d/")}, .files = {{"/srv/d/", FAKE_DIRECTORY}},
     .want = ASK "file /srv/d/; head 404 [Set-Cookie: a=1]; page; end; fault backend file 404: \"/srv/d/\": a directory"},
    {"a relative name", .configure = sendfile_on, .backends = {NAME("a")},
     .want = ASK "head 404 [Set-Cookie: a=1]; page; end; fault backend file 404: \"a\" in the response field \"X-Sendfile\" is no absolute file name"},
    {"an empty name", .configure = sendfile_on, .backends = {NAME("")},
     .want = ASK "head 404 [Set-Cookie: a=1]; page; end; fault backend file 404: \"\" in the response field \"X-Sendfile\" is no absolute file name"},
    {"it comes before a redirect", .configure = sendfile_on, .backends = {{OF("Location: /x\nX-Sendfile: /srv/a\n\n")}}, .files = {{"/srv/a", 1}},
     .want = ASK "file /srv/a; head 200 [Location: /x|" FACTS("1") "] length 1; content a; end"},
};

static void two_indexes(struct dir_config *d)
{
    static struct str names[] = {STR_INIT("index.html"), STR_INIT("main.html")};

    d->directory_index.items = names;
    d->directory_index.count = 2;
    d->directory_index_set = true;
}

static void no_index(struct dir_config *d)
{
    d->directory_index_set = true;
}

static void html_type(struct dir_config *d)
{
    static struct media_type types[] = {{STR_INIT("html"), STR_INIT("text/html")}};

    d->types.items = types;
    d->types.count = 1;
}

#define MULTIPART "multipart/byteranges; boundary="

static const struct test_script files[] = {
    {"a file", .target = "/files/a.html", .configure = html_type, .files = {{"/srv/files/a.html", 3}},
     .want = "route GET /files/a.html; file /srv/files/a.html; head 200 [" FACTS("3") "|Content-Type: text/html] length 3; content abc; end"},
    {"HEAD", .target = "/files/a", .method = "HEAD", .files = {{"/srv/files/a", 3}},
     .want = "route HEAD /files/a; file /srv/files/a; head 200 [" FACTS("3") "] length 3; end"},
    {"POST", .target = "/files/a", .method = "POST", .body = STR_INIT("abc"), .files = {{"/srv/files/a", 3}},
     .want = "route POST /files/a; head 405 [Allow: GET, HEAD, OPTIONS]; page; end; fault client file 405: a file answers only GET and HEAD"},
    {"OPTIONS", .target = "/files/a", .method = "OPTIONS", .want = "route OPTIONS /files/a; head 200 [Allow: GET, HEAD, OPTIONS] length 0; end"},
    {"OPTIONS *", .target = "*", .method = "OPTIONS", .want = "route OPTIONS *; head 200 length 0; end"},
    {"a range outside", .target = "/files/a", .files = {{"/srv/files/a", 3}}, .fields = {{STR_INIT("Range"), STR_INIT("bytes=9-")}},
     .want = "route GET /files/a; file /srv/files/a; head 416 [Content-Range: bytes */3]; page; end"},
    {"a precondition", .target = "/files/a", .files = {{"/srv/files/a", 3}}, .fields = {{STR_INIT("If-Match"), STR_INIT("\"x\"")}},
     .want = "route GET /files/a; file /srv/files/a; head 412; page; end"},
    {"denied", .target = "/files/a", .files = {{"/srv/files/a", -403}},
     .want = "route GET /files/a; file /srv/files/a; head 403; page; end; fault client file 403: \"/srv/files/a\": as the test asked"},
    {"a directory without slash", .target = "/files/d?q", .files = {{"/srv/files/d", FAKE_DIRECTORY}},
     .want = "route GET /files/d?q; file /srv/files/d; head 301 [Location: http://www.example.com/files/d/?q]; page; end"},
    {"a directory elsewhere", .target = "/files/d", .port = 8443, .https = true, .files = {{"/srv/files/d", FAKE_DIRECTORY}},
     .want = "route GET /files/d; file /srv/files/d; head 301 [Location: https://www.example.com:8443/files/d/]; page; end"},
    {"a directory on the usual port", .target = "/files/a%20b%3f", .port = 443, .https = true, .files = {{"/srv/files/a b?", FAKE_DIRECTORY}},
     .want = "route GET /files/a%20b%3f; file /srv/files/a b?; head 301 [Location: https://www.example.com/files/a%20b%3F/]; page; end"},
    {"redirect by the configuration", .target = "/redirect/x",
     .want = "route GET /redirect/x; head 301 [Location: https://elsewhere/]; page; end"},
    {"HEAD of one", .target = "/redirect/x", .method = "HEAD",
     .want = "route HEAD /redirect/x; head 301 [Location: https://elsewhere/]; end"},
    {"its index", .target = "/files/d/", .files = {{"/srv/files/d/", FAKE_DIRECTORY}, {"/srv/files/d/index.html", 2}},
     .want = "route GET /files/d/; file /srv/files/d/; file /srv/files/d/index.html; head 200 [" FACTS("2") "] length 2; content ab; end"},
    {"the second index", .target = "/files/d/", .configure = two_indexes, .files = {{"/srv/files/d/", FAKE_DIRECTORY}, {"/srv/files/d/main.html", 2}},
     .want = "route GET /files/d/; file /srv/files/d/; file /srv/files/d/index.html; file /srv/files/d/main.html; head 200 [" FACTS("2") "] length 2; content ab; end"},
    {"without index", .target = "/files/d/", .files = {{"/srv/files/d/", FAKE_DIRECTORY}},
     .want = "route GET /files/d/; file /srv/files/d/; file /srv/files/d/index.html; head 404; page; end; fault client file 404: \"/srv/files/d/\": a directory without an index file"},
    {"an index that is denied", .target = "/files/d/", .configure = two_indexes,
     .files = {{"/srv/files/d/", FAKE_DIRECTORY}, {"/srv/files/d/index.html", -403}},
     .want = "route GET /files/d/; file /srv/files/d/; file /srv/files/d/index.html; head 403; page; end; fault client file 403: \"/srv/files/d/index.html\": as the test asked"},
    {"the first index is a directory", .target = "/files/d/", .configure = two_indexes,
     .files = {{"/srv/files/d/", FAKE_DIRECTORY}, {"/srv/files/d/index.html", FAKE_DIRECTORY}, {"/srv/files/d/main.html", 2}},
     .want = "route GET /files/d/; file /srv/files/d/; file /srv/files/d/index.html; file /srv/files/d/main.html; head 200 [" FACTS("2") "] length 2; content ab; end"},
    {"index off", .target = "/files/d/", .configure = no_index, .files = {{"/srv/files/d/", FAKE_DIRECTORY}},
     .want = "route GET /files/d/; file /srv/files/d/; head 404; page; end; fault client file 404: \"/srv/files/d/\": a directory without an index file"},
};

static struct error_document documents[] = {
    {404, ERROR_DOCUMENT_TEXT, STR_INIT("gone")},
    {404, ERROR_DOCUMENT_LOCAL, STR_INIT("/doc?404")},
    {403, ERROR_DOCUMENT_TEXT, STR_INIT("text")},
    {405, ERROR_DOCUMENT_TEXT, STR_INIT("")},
    {502, ERROR_DOCUMENT_LOCAL, STR_INIT("/doc")},
    {503, ERROR_DOCUMENT_REDIRECT, STR_INIT("http://example.com/")},
    {400, ERROR_DOCUMENT_LOCAL, STR_INIT("/files/400")},
    {413, ERROR_DOCUMENT_LOCAL, STR_INIT("/status/404")},
    {500, ERROR_DOCUMENT_LOCAL, STR_INIT("/doc")},
    {416, ERROR_DOCUMENT_TEXT, STR_INIT("range")},
    {501, ERROR_DOCUMENT_TEXT, STR_INIT("no")},
    {501, ERROR_DOCUMENT_DEFAULT, STR_INIT("")},
};

static void error_documents(struct dir_config *d)
{
    d->error_documents.items = documents;
    d->error_documents.count = sizeof documents / sizeof documents[0];
    sendfile_on(d);
}

static void own_503(struct dir_config *d)
{
    static struct error_document document = {503, ERROR_DOCUMENT_LOCAL, STR_INIT("/files/503")};

    d->error_documents.items = &document;
    d->error_documents.count = 1;
}

static const struct test_script documents_scripts[] = {
    {"local file when nothing connects", .configure = own_503, .backends = {{.connect = REFUSES}}, .files = {{"/srv/files/503", 2}},
     .want = "route GET /app/; route GET /files/503; file /srv/files/503; head 503 [" FACTS("2") "] length 2; content ab; end; fault backend connect 503: \"127.0.0.1:4000\": connection refused"},
    {"text", .configure = error_documents, .target = "/status/403",
     .want = "route GET /status/403; head 403 [Content-Type: text/html; charset=iso-8859-1] length 4; content text; end; fault client route 403: as the test asked"},
    {"empty text", .configure = error_documents, .target = "/status/405",
     .want = "route GET /status/405; head 405 [Allow: GET, HEAD, OPTIONS|Content-Type: text/html; charset=iso-8859-1] length 0; end; fault client route 405: as the test asked"},
    {"default", .configure = error_documents, .target = "/status/501",
     .want = "route GET /status/501; head 501; page; end; fault client route 501: as the test asked"},
    {"redirect", .configure = error_documents, .backends = {{.connect = REFUSES}},
     .want = "route GET /app/; head 302 [Location: http://example.com/]; page; end; fault backend connect 503: \"127.0.0.1:4000\": connection refused"},
    {"local application", .configure = error_documents, .target = "/status/404", .backends = {{OF("X: 1\n\nsorry")}},
     .want = "route GET /status/404; route GET /doc?404; connect; head 404 [X: 1]; content sorry; end; fault client route 404: as the test asked"},
    {"local application with status", .configure = error_documents, .target = "/status/404", .backends = {{OF("Status: 200\n\nsorry")}},
     .want = "route GET /status/404; route GET /doc?404; connect; head 200; content sorry; end; fault client route 404: as the test asked"},
    {"local application that names a file", .configure = error_documents, .target = "/status/404", .backends = {{OF("X-Sendfile: /srv/a\n\nsorry")}}, .files = {{"/srv/a", 2}},
     .want = "route GET /status/404; route GET /doc?404; connect; file /srv/a; head 404 [" FACTS("2") "] length 2; content ab; end; fault client route 404: as the test asked"},
    {"local file", .configure = error_documents, .target = "/status/400", .files = {{"/srv/files/400", 2}},
     .want = "route GET /status/400; route GET /files/400; file /srv/files/400; head 400 [" FACTS("2") "] length 2; content ab; end; fault client route 400: as the test asked"},
    {"local file that is missing", .configure = error_documents, .target = "/status/400",
     .want = "route GET /status/400; route GET /files/400; file /srv/files/400; head 400; page; end; fault client route 400: as the test asked"},
    {"a document that is not found", .configure = error_documents, .target = "/status/413",
     .want = "route GET /status/413; route GET /status/404; head 413; page; end; fault client route 413: as the test asked"},
    {"a document that fails like its cause", .configure = error_documents, .backends = {{OF("")}},
     .want = ASK "route GET /doc; connect; head 502; page; end; fault backend response-head 502: closed before any answer"},
    {"a document for POST", .configure = error_documents, .method = "POST", .body = STR_INIT("x"), .backends = {{OF("")}, OK_ANSWER}, .backend_count = 2,
     .want = "route POST /app/; connect; route GET /doc; connect; head 502; content ok; end; fault backend response-head 502: closed before any answer"},
    {"a document for HEAD", .configure = error_documents, .method = "HEAD", .backends = {{OF("")}, OK_ANSWER}, .backend_count = 2,
     .want = "route HEAD /app/; connect; route HEAD /doc; connect; head 502; end; fault backend response-head 502: closed before any answer"},
    {"a document for a missing file", .configure = error_documents, .target = "/files/b", .backends = {OK_ANSWER},
     .want = "route GET /files/b; file /srv/files/b; route GET /doc?404; connect; head 404; content ok; end; fault client file 404: \"/srv/files/b\": no such file"},
    {"not for an application's own error", .configure = error_documents, .backends = {{OF("Status: 404\n\nmine")}},
     .want = ASK "head 404; content mine; end"},
    {"a document that redirects", .configure = error_documents, .target = "/status/404", .backends = {TO("/files/a")}, .files = {{"/srv/files/a", 1}},
     .want = "route GET /status/404; route GET /doc?404; connect; route GET /files/a; file /srv/files/a; head 404 [" FACTS("1") "] length 1; content a; end; fault client route 404: as the test asked"},
    {"redirects for ever, with a document", .configure = error_documents, .backends = {TO("/x")},
     .want = ASK "route GET /x; connect; route GET /x; connect; route GET /x; connect; route GET /x; connect; route GET /x; connect; "
                 "route GET /x; connect; route GET /x; connect; route GET /x; connect; route GET /x; connect; route GET /x; connect; "
                 "head 500; page; end; fault backend internal-redirect 500: more than 10 internal redirects, the last to \"/x\""},
    {"of a range", .configure = error_documents, .target = "/files/a", .files = {{"/srv/files/a", 3}}, .fields = {{STR_INIT("Range"), STR_INIT("bytes=9-")}},
     .want = "route GET /files/a; file /srv/files/a; head 416 [Content-Range: bytes */3]; page; end"},
};

/* Header always set X-A a; Header set X-S s; Header unset X-Gone */
static void change_fields(struct dir_config *d)
{
    static struct header_part a = {HEADER_PART_TEXT, STR_INIT("a")}, method = {HEADER_PART_VARIABLE, STR_INIT("REQUEST_METHOD")};
    static struct header_rule rules[] = {
        {.action = HEADER_SET, .name = STR_INIT("X-S"), .value = {&method, 1, 1}},
        {.action = HEADER_UNSET, .name = STR_INIT("X-Gone")},
        {.action = HEADER_SET, .always = true, .name = STR_INIT("X-A"), .value = {&a, 1, 1}},
    };

    error_documents(d);
    d->headers.items = rules;
    d->headers.count = sizeof rules / sizeof *rules;
}

static const struct test_script header_scripts[] = {
    {"of an application", .configure = change_fields, .backends = {{OF("X-S: 1\nX-Gone: 1\nSet-Cookie: c\nStatus: 404\n\nok")}},
     .want = ASK "head 404 [X-S: GET|Set-Cookie: c|X-A: a]; content ok; end"},
    {"once, behind a redirect", .configure = change_fields, .backends = {{OF("X-B: 1\nLocation: /x\n\n")}, OK_ANSWER}, .backend_count = 2,
     .want = ASK "route GET /x; connect; head 200 [X-B: 1|X-A: a|X-S: GET]; content ok; end"},
    {"of a file", .configure = change_fields, .target = "/files/a", .files = {{"/srv/files/a", 1}},
     .want = "route GET /files/a; file /srv/files/a; head 200 [" FACTS("1") "|X-A: a|X-S: (null)] length 1; content a; end"},
    {"not modified", .configure = change_fields, .target = "/files/a", .files = {{"/srv/files/a", 1}},
     .fields = {{STR_INIT("If-None-Match"), STR_INIT("*")}},
     .want = "route GET /files/a; file /srv/files/a; head 304 [" FACTS("1") "|X-A: a|X-S: (null)] length 0 without content; end"},
    {"of OPTIONS", .configure = change_fields, .target = "*", .method = "OPTIONS",
     .want = "route OPTIONS *; head 200 [X-A: a|X-S: (null)] length 0; end"},
    {"of an error", .configure = change_fields, .target = "/status/501",
     .want = "route GET /status/501; head 501 [X-A: a]; page; end; fault client route 501: as the test asked"},
    {"of an error behind a backend", .configure = change_fields, .backends = {{OF("bad")}},
     .want = ASK "route GET /doc; connect; head 502 [X-A: a]; page; end; fault backend response-head 502: closed within the response head, after 3 bytes"},
    {"of an error's text", .configure = change_fields, .target = "/status/403",
     .want = "route GET /status/403; head 403 [Content-Type: text/html; charset=iso-8859-1|X-A: a] length 4; content text; end; fault client route 403: as the test asked"},
    {"of an error's document", .configure = change_fields, .target = "/status/404", .backends = {{OF("X-Gone: 1\n\nsorry")}},
     .want = "route GET /status/404; route GET /doc?404; connect; head 404 [X-A: a|X-S: GET]; content sorry; end; fault client route 404: as the test asked"},
    {"of the gateway's redirect", .configure = change_fields, .target = "/files/d", .files = {{"/srv/files/d", FAKE_DIRECTORY}},
     .want = "route GET /files/d; file /srv/files/d; head 301 [Location: http://www.example.com/files/d/|X-A: a]; page; end"},
};
/* clang-format on */

static void test_redirects(void **state)
{
    PLAY(redirects);
}

static void test_named_files(void **state)
{
    PLAY(named_files);
}

static void test_files(void **state)
{
    PLAY(files);
}

static void test_error_documents(void **state)
{
    PLAY(documents_scripts);
}

static void test_headers(void **state)
{
    PLAY(header_scripts);
}

/* RequestHeader: the plan's fields are the request's from there on, behind redirects too. */
static void test_request_fields(void **state)
{
    static const struct test_script script = {.fields = {{STR_INIT("X-Old"), STR_INIT("1")}},
                                              .backends = {TO("/x"), OK_ANSWER},
                                              .backend_count = 2};
    static struct test_host h;
    struct field field = {STR("X-New"), STR("2"), FIELD_OTHER};
    struct plan plan;

    (void)state;
    host_begin(&h, &script);
    plan = (struct plan){.kind = PLAN_BACKEND,
                         .server = &h.server,
                         .config = &h.config,
                         .pass = &h.pass,
                         .fields = &field,
                         .field_count = 1};
    exchange_routed(&h.x, &plan);
    host_play(&h);
    assert_int_equal(h.x.response.status, 200);
    assert_string_equal(host_variable(&h, "HTTP_X_NEW").p, "2");
    assert_string_equal(host_variable(&h, "REDIRECT_HTTP_X_NEW").p, "2");
    assert_null(host_variable(&h, "HTTP_X_OLD").p);
    host_finish(&h);
}

/* What the application of the last hop is told of the hops before it: at most two levels. */
static void test_redirect_variables(void **state)
{
    static const struct test_script script = {
        .method = "POST",
        .body = STR_INIT("four"),
        .fields = {{STR_INIT("X-Test"), STR_INIT("v")}, {STR_INIT("Content-Type"), STR_INIT("a/b")}},
        .target = "/first?a=1",
        .backends = {TO("/second"), TO("/third?c=3"), TO("/fourth"), OK_ANSWER},
        .backend_count = 4,
    };
    static const struct {
        const char *name, *value;
    } want[] = {
        {"REQUEST_METHOD", "GET"},
        {"REQUEST_URI", "/first?a=1"},
        {"QUERY_STRING", ""},
        {"SCRIPT_NAME", "/fourth"},
        {"CONTENT_LENGTH", "0"},
        {"CONTENT_TYPE", NULL},
        {"HTTP_X_TEST", "v"},
        {"REDIRECT_STATUS", "200"},
        {"REDIRECT_URL", "/third"},
        {"REDIRECT_QUERY_STRING", "c=3"},
        {"REDIRECT_REQUEST_METHOD", "GET"},
        {"REDIRECT_REDIRECT_URL", "/second"},
        {"REDIRECT_REDIRECT_STATUS", "200"},
        {"REDIRECT_REDIRECT_REQUEST_METHOD", "GET"},
        {"REDIRECT_ROUTED", "/third"},
        {"REDIRECT_REDIRECT_ROUTED", "/second"},
        {"REDIRECT_REDIRECT_REDIRECT_ROUTED", NULL},
        {"REDIRECT_REDIRECT_REDIRECT_URL", NULL},
        {"REDIRECT_REDIRECT_REDIRECT_STATUS", NULL},
        {"REDIRECT_ERROR_NOTES", NULL},
        {"HTTP_CONTENT_LENGTH", NULL},
    };
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    host_play(&h);
    assert_int_equal(h.connects, 4);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct str got = host_variable(&h, want[i].name);

        if (!got.p != !want[i].value || (got.p && !str_eq(got, str_from(want[i].value))))
            fail_msg("%s: \"%.*s\"", want[i].name, STR_ARG(got));
    }
    host_finish(&h);
}

static void set_variables(struct dir_config *config)
{
    config->signature = SIGNATURE_EMAIL;
    config->current_uri = 1;
    config->pass_authorization = 1;
    config->qualify_redirect_url = 1;
}

/* ServerSignature, CGIVar, CGIPassAuth, QualifyRedirectURL. */
static void test_variables_by_directive(void **state)
{
    static const struct test_script script = {
        .configure = set_variables,
        .fields = {{STR_INIT("Authorization"), STR_INIT("Bearer t0k")}},
        .target = "/a%20b?q=1",
        .port = 8080,
        .backends = {TO("/c%20d"), OK_ANSWER},
        .backend_count = 2,
    };
    static const struct {
        const char *name, *value;
    } want[] = {
        {"REQUEST_URI", "/c d"},
        {"REDIRECT_REQUEST_URI", "/a b"},
        {"HTTP_AUTHORIZATION", "Bearer t0k"},
        {"REDIRECT_URL", "http://www.example.com:8080/a%20b?q=1"},
        {"SERVER_SIGNATURE",
         "<address>scgate Server at <a href=\"mailto:admin@example.com\">www.example.com</a> "
         "Port 8080</address>\n"},
    };
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    h.server.admin = STR("admin@example.com");
    host_play(&h);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_true(str_eq(host_variable(&h, want[i].name), str_from(want[i].value)));
    host_finish(&h);
}

static void test_error_document_variables(void **state)
{
    static const struct test_script script = {
        .configure = error_documents, .target = "/status/404?q", .backends = {OK_ANSWER}};
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    host_play(&h);
    assert_true(str_eq(host_variable(&h, "REDIRECT_STATUS"), STR("404")));
    assert_true(str_eq(host_variable(&h, "REDIRECT_URL"), STR("/status/404")));
    assert_true(str_eq(host_variable(&h, "REDIRECT_QUERY_STRING"), STR("q")));
    assert_true(str_eq(host_variable(&h, "REDIRECT_ERROR_NOTES"), STR("as the test asked")));
    assert_true(str_eq(host_variable(&h, "QUERY_STRING"), STR("404")));
    host_finish(&h);
}

/* Several ranges: the host sends memory and pieces of the file in turn. */
static void test_multipart(void **state)
{
    static const struct test_script script = {.target = "/files/a",
                                              .files = {{"/srv/files/a", 26}},
                                              .fields = {{STR_INIT("Range"), STR_INIT("bytes=0-2,10-11")}}};
    static struct test_host h;
    struct str content, boundary, want;

    (void)state;
    for (int cut = CUT_NONE; cut <= CUT_RANDOM; cut++) {
        host_begin(&h, &script);
        h.cuts = (struct test_cuts){.kind = (enum test_cut_kind)cut, .at = 7, .random = test_seed()};
        host_play(&h);
        assert_int_equal(h.x.response.status, 206);
        content = str_make(h.content, h.content_n);
        boundary = str_make(h.content + 2, 16);
        want = ARENA_CONCAT(
            &h.arena, STR("--"), boundary, STR("\r\nContent-Range: bytes 0-2/26\r\n\r\nabc\r\n--"), boundary,
            STR("\r\nContent-Range: bytes 10-11/26\r\n\r\nkl\r\n--"), boundary, STR("--\r\n"));
        assert_int_equal(content.n, want.n);
        assert_memory_equal(content.p, want.p, want.n);
        assert_int_equal(h.x.response.length, want.n);
        host_finish(&h);
    }
}

int run_reply_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_named_files),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_error_documents),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_request_fields),
        cmocka_unit_test(test_redirect_variables),
        cmocka_unit_test(test_error_document_variables),
        cmocka_unit_test(test_variables_by_directive),
        cmocka_unit_test(test_multipart),
    };

    return cmocka_run_group_tests_name("exchange: reply", tests, NULL, NULL);
}
