/* model: a whole configuration, typed, merged and immutable. The only header of config/ beside load.h that
 * other folders see.
 *
 * A model lives in one arena and is never changed after config_load() has returned it; a reload makes a new
 * one. Settings come in three widths: the process (struct model), the server (struct server: the main server
 * and each virtual host, the latter already merged over the former), and the directory context (struct
 * dir_config: what may stand in <Location> and <Directory> too; merged per request by route/).
 *
 * Every setting has an "unset" value, so that merging is one rule: what the inner context sets wins, lists
 * of rules append. After loading, the servers' values are complete (defaults filled in), those of dir_config
 * may be unset: the accessors below give the default.
 */
#ifndef CONFIG_MODEL_H
#define CONFIG_MODEL_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/log.h"
#include "base/regex.h"
#include "base/subnet.h"
#include "expr/expr.h"

#include <limits.h>

/* A list in the arena: items[0 .. count). */
#define LIST_OF(type)                                                                                        \
    struct {                                                                                                 \
        type *items;                                                                                         \
        size_t count, room;                                                                                  \
    }

/* ---- addresses ---- */

enum address_kind { ADDRESS_TCP, ADDRESS_UNIX };

struct address {
    enum address_kind kind;
    struct str
        host; /* TCP: a name, or a numeric address without brackets; absent in a Listen for all addresses */
    unsigned port;   /* TCP: 1 to 65535 */
    struct str path; /* Unix: absolute */
};

struct listen {
    struct address address;
    struct diag_place place;
};

/* The id of a backend that a client named (ProxySCGIForward): it is in no list. */
#define BACKEND_UNLISTED UINT_MAX

/* Somewhere an SCGI application listens. Equal URLs share one. */
struct backend {
    unsigned id; /* index in model.backends */
    struct str
        name; /* for messages and logs: "scgi://127.0.0.1:4000", "unix:/run/app.sock|scgi://localhost" */
    struct address address;
    int connect_timeout_ms; /* connectiontimeout=; 0 = as timeout_ms */
    int timeout_ms;         /* timeout=; 0 = ProxyTimeout, else Timeout of the server */
};

/* ---- mapping ---- */

/* mapping=: what the path of a ProxyPass is compared with */
enum pass_mapping {
    PASS_DECODED, /* the decoded path */
    PASS_ENCODED, /* the path as the client sent it */
    PASS_SERVLET, /* the same, without the parameters (";name=value") of its segments */
};

/* One ProxyPass: a path of ours to a backend and a path there, or an exclusion. */
struct pass {
    struct str path; /* of ours, decoded, e.g. "/app/"; absent inside <Location> of a pattern (then the rest
                        is the whole path) */
    const struct regex *regex; /* ProxyPassMatch; there is no path then */
    enum pass_mapping mapping;
    bool exclude;            /* "!" */
    bool nocanon;            /* the rest of the path stands in SCRIPT_FILENAME as the client sent it */
    bool substitute;         /* target_path holds $0 to $9 of the expression, and nothing follows it */
    bool interpolate;        /* target_path holds ${VARIABLE} */
    struct backend *backend; /* NULL when exclude */
    struct str authority;    /* canonical, for SCRIPT_FILENAME: "127.0.0.1:4001", "localhost" (port 4000 left
                                out), "[::1]:4000" */
    struct str target_path;  /* of the backend URL, decoded, begins with '/' (a missing one is "/") or, with
                                substitute, with a group, unless the URL has none: then "" */
    struct str url;          /* of the backend, as written: what <Proxy> sections are compared with */
    struct diag_place place;
};

/* Alias: a path of ours to a path of the file system. */
struct alias {
    struct str path;           /* e.g. "/files/" */
    const struct regex *regex; /* AliasMatch; there is no path then */
    struct str target;         /* absolute file-system path; of AliasMatch with $0 to $9 */
    struct diag_place place;
};

/* Redirect: paths that the client finds elsewhere, or not at all. */
struct redirect {
    struct str path;           /* absent with regex, and inside of sections when none is given: all paths */
    const struct regex *regex; /* RedirectMatch */
    int status;                /* 300 to 399: with a target; else an error */
    struct str target;         /* a URL or a local path; of RedirectMatch with $0 to $9 */
    struct diag_place place;
};

/* ---- environment ---- */

struct env_op {
    struct str name;
    struct str value; /* absent: UnsetEnv */
};

enum setenvif_attribute {
    SETENVIF_FIELD,       /* a request field by name, or else a variable set before */
    SETENVIF_FIELD_REGEX, /* the last field whose name matches */
    SETENVIF_REMOTE_ADDR,
    SETENVIF_REMOTE_HOST,
    SETENVIF_SERVER_ADDR,
    SETENVIF_REQUEST_METHOD,
    SETENVIF_REQUEST_PROTOCOL,
    SETENVIF_REQUEST_URI,
    SETENVIF_EXPR, /* SetEnvIfExpr: whether expr holds, instead of what an attribute matches */
};

struct setenvif_action {
    struct str name;
    struct str value; /* absent: unset the variable; may hold $0 to $9 if substitute */
    bool substitute;
};

struct setenvif {
    enum setenvif_attribute attribute;
    struct str field;                /* of SETENVIF_FIELD */
    const struct regex *field_regex; /* of SETENVIF_FIELD_REGEX */
    const struct regex *regex;       /* NULL: literal is searched for as it is */
    struct str literal;
    bool nocase;             /* for literal */
    const struct expr *expr; /* of SETENVIF_EXPR, which has neither regex nor literal */
    LIST_OF(struct setenvif_action) actions;
};

/* ---- Header, RequestHeader ---- */

enum header_action {
    HEADER_SET,
    HEADER_SETIFEMPTY,
    HEADER_ADD,
    HEADER_APPEND, /* to the value that is there */
    HEADER_MERGE,  /* the same, unless the list has it */
    HEADER_UNSET,
    HEADER_ECHO,     /* request fields whose names match the expression */
    HEADER_EDIT,     /* the first match of the expression in each value */
    HEADER_EDIT_ALL, /* all of them */
};

enum header_part_kind {
    HEADER_PART_TEXT,     /* of an edit, with $0 to $9 */
    HEADER_PART_VARIABLE, /* %{text}e */
    HEADER_PART_TIME,     /* %t */
    HEADER_PART_DURATION, /* %D */
};

struct header_part {
    enum header_part_kind kind;
    struct str text;
};

struct header_rule {
    enum header_action action;
    bool always;     /* Header: on errors too, and before the others */
    bool early;      /* RequestHeader: before anything looks at the request */
    struct str name; /* a token; absent for HEADER_ECHO */
    const struct regex *regex;
    LIST_OF(struct header_part) value; /* unless: */
    const struct expr *value_expr;     /* a text; NULL: value */
    struct str env;                    /* only where this variable is set; absent: always */
    bool env_not;                      /* only where it is not set */
    const struct expr *expr;           /* only where it holds; NULL: always */
    struct diag_place place;
};

/* ---- access ---- */

enum require_kind {
    REQUIRE_ANY,     /* <RequireAny>, <RequireNone>, and the Require lines of a section: of the parts */
    REQUIRE_ALL,     /* <RequireAll>: of the parts */
    REQUIRE_GRANTED, /* all granted */
    REQUIRE_DENIED,  /* all denied */
    REQUIRE_IP,      /* the client's address lies in one of the subnets */
    REQUIRE_LOCAL,   /* the client is on this host */
    REQUIRE_ENV,     /* one of the words is a variable that is set */
    REQUIRE_METHOD,  /* one of the words is the method; HEAD counts as GET */
    REQUIRE_EXPR,
};

struct require {
    enum require_kind kind;
    bool negate; /* "not", <RequireNone>: what would grant denies, what would not decides nothing */
    LIST_OF(struct require *) parts;
    LIST_OF(struct subnet) subnets;
    LIST_OF(struct str) words;
    const struct expr *expr;
    struct str text; /* the line, for messages */
    struct diag_place place;
};

/* AuthMerging: what a section's Require lines do with those around it */
enum auth_merging {
    AUTH_MERGING_UNSET,
    AUTH_MERGING_OFF, /* (the default) they replace them */
    AUTH_MERGING_AND,
    AUTH_MERGING_OR,
};

enum access_order {
    ORDER_DENY_ALLOW, /* what neither names is allowed, what both name too (the default) */
    ORDER_ALLOW_DENY, /* what neither names is denied, what both name too */
    ORDER_MUTUAL_FAILURE,
};

/* Order, Allow, Deny of one section, which replace those around it. They and Require must both let a request
 * pass. */
struct access_list {
    enum access_order order;
    /* REQUIRE_GRANTED, REQUIRE_IP, REQUIRE_ENV; negate turns it into its opposite */
    LIST_OF(struct require *) allow;
    LIST_OF(struct require *) deny;
    struct str text; /* the line that says the order, or the first one, for messages */
    struct diag_place place;
};

/* ---- directory context ---- */

/* ProxySCGIRequestBuffering: whether a request's body is collected before the backend is asked */
enum request_buffering {
    REQUEST_BUFFERING_UNSET,
    REQUEST_BUFFERING_AUTO, /* (the default) up to 64 KiB, and bodies without a length */
    REQUEST_BUFFERING_ON,   /* always */
    REQUEST_BUFFERING_OFF,  /* never: bodies without a length are refused */
};

enum { UNSET = -1 }; /* of tri-state flags and numbers */

/* ProxySCGIInternalRedirect, ProxySCGISendfile: On|Off|Headername */
enum header_switch_state { HEADER_SWITCH_UNSET, HEADER_SWITCH_OFF, HEADER_SWITCH_ON };
struct header_switch {
    enum header_switch_state state;
    struct str name; /* of the response header, when on; "Location", "X-Sendfile" or the one given */
};

/* ProxySCGIPathInfo: how SCRIPT_NAME and PATH_INFO are made */
enum path_info_mode {
    PATH_INFO_UNSET,
    PATH_INFO_OFF,    /* no PATH_INFO; the request variable proxy-scgi-pathinfo still turns Mount on (the
                         default) */
    PATH_INFO_MOUNT,  /* SCRIPT_NAME + PATH_INFO = the decoded path, split where ProxyPass matched */
    PATH_INFO_APACHE, /* Apache's best guess, with its quirks */
};

struct media_type {
    struct str extension; /* without the dot, lower case */
    struct str type;
};

enum error_document_kind {
    ERROR_DOCUMENT_DEFAULT,
    ERROR_DOCUMENT_TEXT,
    ERROR_DOCUMENT_LOCAL,
    ERROR_DOCUMENT_REDIRECT
};
struct error_document {
    int status;
    enum error_document_kind kind;
    struct str value; /* text; "/local/url"; "http://..." */
};

enum signature { SIGNATURE_OFF, SIGNATURE_ON, SIGNATURE_EMAIL };

struct section;

struct dir_config {
    struct header_switch internal_redirect;
    struct header_switch sendfile;
    enum path_info_mode path_info;
    enum request_buffering request_buffering;
    int ignore_client_abort; /* ProxySCGIIgnoreClientAbort; UNSET, 0, 1 */
    int gateway_interface;   /* ProxySCGIGatewayInterface; UNSET, 0, 1 */
    struct require *require; /* NULL: unset, all may have it */
    enum auth_merging auth_merging;
    struct access_list *access_list; /* NULL: unset */
    int64_t limit_request_body;      /* bytes; 0 = unlimited; UNSET */
    /* ProxySCGILimitResponseHead, -Line: bytes; -Fields: lines; UNSET */
    int64_t limit_response_head, limit_response_line, limit_response_fields;
    int follow_symlinks;        /* Options FollowSymLinks written: 1, taken away: 0, UNSET */
    const struct pass *pass;    /* ProxyPass inside <Location>; NULL = unset */
    int interpolate;            /* ProxyPassInterpolateEnv; UNSET, 0, 1 */
    bool handler_set;           /* SetHandler was given */
    const struct pass *handler; /* SetHandler "proxy:..."; NULL: none, or taken back. Its path is that of its
                                   <Location>, else absent */
    LIST_OF(struct redirect) redirects; /* Redirect inside of sections: inner ones first */
    int canonical_name;                 /* UseCanonicalName; UNSET, 0, 1 */
    int canonical_port;                 /* UseCanonicalPhysicalPort; UNSET, 0, 1 */
    int signature;                      /* ServerSignature; UNSET or one of enum signature */
    int current_uri;                    /* CGIVar REQUEST_URI current-uri; UNSET, 0, 1 */
    int pass_authorization;             /* CGIPassAuth; UNSET, 0, 1 */
    int qualify_redirect_url;           /* QualifyRedirectURL; UNSET, 0, 1 */
    LIST_OF(struct env_op) env;
    LIST_OF(struct setenvif) setenvif;
    LIST_OF(struct header_rule) headers;
    LIST_OF(struct header_rule) request_headers;
    LIST_OF(struct media_type) types;               /* AddType; the last one for an extension wins */
    LIST_OF(struct error_document) error_documents; /* the last one for a status wins */
    LIST_OF(struct str)
    directory_index; /* replaces the outer list; count 0 with `directory_index_set`: disabled */
    bool directory_index_set;
    LIST_OF(const struct section *) files; /* <Files>, <FilesMatch> that stand in it */
    LIST_OF(const struct section *) ifs;   /* <If>, <ElseIf>, <Else> that stand in it */
};

/* *out = base with add laid over it. base and add stay as they are and may share list items with *out. */
void dir_config_merge(struct arena *arena, const struct dir_config *base, const struct dir_config *add,
                      struct dir_config *out);
/* All unset. */
void dir_config_init(struct dir_config *d);

/* ---- sections ---- */

enum section_kind {
    SECTION_PATH,  /* <Location /x>, <Directory /x>: the path itself and what lies below it; <Files x>: that
                      name; <Proxy url>: URLs that begin with the text */
    SECTION_GLOB,  /* with *, ?, []; not across '/', but in <Proxy> */
    SECTION_REGEX, /* <LocationMatch>, <Location ~> and the like */
    SECTION_IF,    /* <If>, <ElseIf>, <Else> */
};

/* A named group of a section's expression: what it matches becomes a variable. */
struct section_name {
    struct str variable; /* "MATCH_NAME" */
    unsigned group;      /* 1 to 9 */
};

struct section {
    enum section_kind kind;
    unsigned id;        /* unique in the model: sections of one request are named by their ids */
    struct str pattern; /* without a trailing slash unless it is "/" (Directory); as written (others) */
    const struct regex *regex;
    LIST_OF(struct section_name) names; /* of regex */
    const struct expr *expr;            /* of SECTION_IF; NULL: <Else> */
    bool otherwise;                     /* <ElseIf>, <Else>: only where none before it held */
    struct dir_config config;
    struct diag_place place;
};

/* ---- logs ---- */

struct log_item {
    char letter;         /* of %letter; 0: literal text */
    bool original;       /* "<": of the first request of an internal redirect */
    bool final;          /* ">" */
    struct str argument; /* of %{argument}letter, or the literal text */
};

struct log_format {
    LIST_OF(struct log_item) items;
};

struct custom_log {
    struct str path; /* absolute; "|program" is refused in this release */
    struct log_format format;
    struct str env; /* env=NAME; "!NAME" is env_not; absent: always */
    bool env_not;
};

/* ---- servers ---- */

struct host_address { /* of <VirtualHost addr:port> */
    struct str host;  /* numeric, without brackets; absent: "*" or _default_ */
    unsigned port;    /* 0: any */
};

enum encoded_slashes { ENCODED_SLASHES_OFF, ENCODED_SLASHES_ON, ENCODED_SLASHES_NODECODE };

struct server {
    bool is_virtual;
    struct diag_place place;
    LIST_OF(struct host_address) addresses; /* empty for the main server */
    struct str name;                        /* ServerName's host, lower case; a default for the main server */
    struct str scheme;                      /* ServerName's scheme; absent when not given */
    unsigned port;                          /* ServerName's port; 0 when not given */
    LIST_OF(struct str) aliases;            /* ServerAlias, lower case; may be globs */
    struct str admin;                       /* default "[no address given]" */
    struct str document_root;               /* absolute, no trailing slash unless "/" */
    int64_t timeout_ms, proxy_timeout_ms;   /* proxy_timeout_ms: 0 = timeout_ms */
    int keep_alive;                         /* 0 or 1 */
    int64_t keep_alive_timeout_ms;
    int64_t max_keep_alive_requests; /* 0 = no limit */
    int64_t limit_request_line, limit_request_field_size, limit_request_fields;
    enum encoded_slashes encoded_slashes;
    int merge_slashes;
    int trace_enable;
    int proxy_requests; /* with scgi_forward: requests for scgi:// URLs are forwarded */
    int scgi_forward;   /* ProxySCGIForward */
    enum log_level log_level;
    struct str error_log; /* absolute path; absent: standard error */
    LIST_OF(struct custom_log) custom_logs;
    LIST_OF(struct pass) passes; /* main server's entries first: the first match wins */
    bool encoded_passes;         /* one of them has mapping=encoded or servlet */
    LIST_OF(struct alias) file_aliases;
    LIST_OF(struct redirect) redirects; /* its own first */
    LIST_OF(struct section) locations;  /* main server's first, in file order */
    LIST_OF(struct section)
    directories; /* paths and globs with the fewest segments first, then regexes in file order */
    LIST_OF(struct section) proxies; /* <Proxy>, <ProxyMatch>: main server's first, in file order */
    struct dir_config dir;           /* the server's own directory context */
};

enum io_engine { IO_ENGINE_AUTO, IO_ENGINE_URING, IO_ENGINE_EPOLL };

struct model {
    struct arena *arena;
    struct str server_root;     /* absolute */
    struct str runtime_dir;     /* absolute */
    struct str spool_directory; /* absolute */
    int64_t spool_quota;        /* bytes of all spooled request bodies of one process; 0: no limit */
    struct str pid_file;        /* absolute; absent: none */
    struct str user, group;     /* names or "#number"; absent: stay who we are */
    unsigned worker_processes;  /* 0 = auto */
    enum io_engine io_engine;
    int listen_backlog;
    LIST_OF(struct listen) listens;
    LIST_OF(struct backend *) backends;
    LIST_OF(struct media_type) types; /* TypesConfig, sorted by extension */
    struct str software;              /* SERVER_SOFTWARE, by ServerTokens: "scgate/0.1.0" */
    struct server *main;
    LIST_OF(struct server *) virtual_hosts; /* in file order */
    unsigned section_count;
    LIST_OF(struct str) ignored;     /* directives that were accepted without effect, each named once */
    LIST_OF(struct regex *) regexes; /* every compiled expression, for model_finish() */
    LIST_OF(struct expr *) exprs;    /* the same */
};

/* Frees what the model holds outside its arena (compiled expressions). */
void model_finish(struct model *m);

#endif
