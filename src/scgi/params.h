/* params: from a request to the variables of an SCGI request (RFC 3875 section 4, SCGI protocol).
 *
 * Order: CONTENT_LENGTH, SCGI, then the variables that were set before (SetEnvIf, SetEnv, REDIRECT_*) in
 * their order, then the request's fields as HTTP_*, then what the server computes. A name that was set before
 * keeps its place and takes the computed value: a setting can never replace what the server knows.
 */
#ifndef SCGI_PARAMS_H
#define SCGI_PARAMS_H

#include "base/vars.h"
#include "http/endpoints.h"
#include "http/request.h"

/* What the variables are made of. Absent values make no variable unless said otherwise. */
struct scgi_facts {
    const struct request *request;
    const struct endpoints *endpoints;
    struct str method;       /* REQUEST_METHOD: the request's, or GET after an internal redirect */
    uint64_t content_length; /* bytes of body that will follow */
    bool has_body;           /* false: the request lost its body by a redirect, CONTENT_TYPE is left out */
    struct str request_uri;  /* the first target as sent */
    struct str query_string; /* "" when absent */
    struct str script_name;  /* decoded; may be "" */
    struct str path_info;    /* decoded; absent: no PATH_INFO */
    struct str path_translated;
    struct str script_filename; /* "proxy:scgi://..." */
    struct str server_name, server_software, server_admin, document_root;
    struct str server_signature; /* absent: "" */
    unsigned server_port;
    struct str scheme; /* REQUEST_SCHEME */
    struct str remote_user, auth_type;
    bool gateway_interface;  /* send GATEWAY_INTERFACE=CGI/1.1 */
    bool pass_authorization; /* send HTTP_AUTHORIZATION (CGIPassAuth) */
    const struct vars *env;  /* set before; may be NULL */
};

/* Sets all variables in the order in which they are sent, the first two included, in an initialised, empty
 * *out. Values may be slices of the request. CONTEXT_PREFIX is empty,
 * CONTEXT_DOCUMENT_ROOT is DOCUMENT_ROOT; REMOTE_PORT is left out for a Unix socket's client.
 *
 * Rules: behaviour of Apache's gateway with these corrections: Cookie fields are joined with "; ", others of
 * one name with ", "; the authority of an absolute-form target replaces the value of Host; Max-Forwards is
 * one less; Proxy is never passed on (httpoxy), nor fields whose name has another character than letters,
 * digits and '-', nor Authorization and Proxy-Authorization (unless pass_authorization), nor
 * Transfer-Encoding, nor PATH of the gateway's own environment; names CONTENT_LENGTH, SCGI and
 * GATEWAY_INTERFACE are taken from nowhere else; a variable with an empty name, or a NUL in name or value, is
 * left out; so is one that was set before under a computed name written with '-' or '.' for '_'. */
void scgi_params(const struct scgi_facts *facts, struct vars *out);

#endif
