/* Directives of httpd that scgate knows but does not carry out. Three kinds: harmless ones are accepted and
 * named once as ignored; those that somebody may rely on get one warning; those which would change what is
 * served, or who may see it, are refused with the reason. The file is long because the table is. */
#include "config/directive.h"
#include "config/fault.h"

/* Error "text": ends the check where it stands. */
static void set_error(const struct scope *s, const struct directive *row, const struct node *n)
{
    (void)row;
    fault_add(s->load->diags, DIAG_ERROR, node_place(n), "%.*s", STR_ARG(n->words[0].text));
}

/* What tree.c did while the files were read stands in the table for listings. */
static void set_done(const struct scope *s, const struct directive *row, const struct node *n)
{
    (void)s;
    (void)row;
    (void)n;
}

/* On would change what clients get to see; Off is how it is. */
static void set_off_only(const struct scope *s, const struct directive *row, const struct node *n)
{
    if (n->count == 1 && str_eq_nocase(n->words[0].text, STR("Off")))
        return;
    if (str_eq_nocase(n->words[0].text, STR("On")) && n->count == 1)
        scope_error(s, n, 0, "%.*s On is not supported in this release: %s", STR_ARG(row->name), row->help);
    else
        scope_error(s, n, n->count > 1, "%.*s must be Off in this release: %s", STR_ARG(row->name),
                    row->help);
}

/* Type maps only matter to content negotiation; other handlers make the content. */
static void set_handler(const struct scope *s, const struct directive *row, const struct node *n)
{
    if (str_eq_nocase(n->words[0].text, STR("type-map")))
        set_ignored(s, row, n);
    else
        set_refused(s, row, n);
}

/* Outside of <Location> the first argument is the path. */
static void set_reverse(const struct scope *s, const struct directive *row, const struct node *n)
{
    if (!s->section && n->count < 2)
        scope_error(s, n, 1, "%.*s needs a path and a URL outside of <Location>", STR_ARG(row->name));
    else
        set_no_effect(s, row, n);
}

static const struct keyword on_off[] = {{"On", 1}, {"Off", 0}, {0}};
static const struct keyword lookups[] = {{"On", 1}, {"Off", 0}, {"Double", 2}, {0}};
static const struct keyword via[] = {{"On", 1}, {"Off", 0}, {"Full", 2}, {"Block", 3}, {0}};
static const struct keyword status_kinds[] = {{"Off", 0}, {"On", 1}, {"Full", 2}, {0}};
static const struct keyword bad_header[] = {{"IsError", 0}, {"Ignore", 1}, {"StartBody", 2}, {0}};

#define IGNORED(name, why)                                                                                   \
    {                                                                                                        \
        STR_INIT(name), ANYWHERE, 0, ANY_NUMBER, set_ignored, name " ...", why                               \
    }
#define IGNORED_WORD(name, words, why)                                                                       \
    {                                                                                                        \
        STR_INIT(name), ANYWHERE, 1, 1, set_ignored, name " keyword", why, .keywords = words                 \
    }
#define NO_EFFECT(name, min, max, why)                                                                       \
    {                                                                                                        \
        STR_INIT(name), ANYWHERE, min, max, set_no_effect, name " ...", why                                  \
    }
#define NO_EFFECT_WORD(name, words, why)                                                                     \
    {                                                                                                        \
        STR_INIT(name), ANYWHERE, 1, 1, set_no_effect, name " keyword", why, .keywords = words               \
    }
#define REFUSED(name, why)                                                                                   \
    {                                                                                                        \
        STR_INIT(name), ANYWHERE, 0, ANY_NUMBER, set_refused, name " ...", why                               \
    }
#define REFUSED_SECTION(name, why)                                                                           \
    {                                                                                                        \
        STR_INIT(name), ANYWHERE, 0, ANY_NUMBER, set_refused, "<" name " ...>", why, .section = true         \
    }
#define ACT(name, min, max, syntax, why)                                                                     \
    {                                                                                                        \
        STR_INIT(name), ANYWHERE, min, max, set_done, syntax, why                                            \
    }

static const char accept_why[] = "scgate tunes its sockets itself",
                  access_why[] = "without it others could get in",
                  auth_why[] = "without it everybody could get in",
                  balancer_why[] = "name one backend with ProxyPass: scgi://host:port/",
                  cgi_why[] = "scgate runs no programs; start the application with an SCGI server",
                  content_why[] = "without it other content would be served",
                  expression_why[] = "without it what it encloses would be missing, or cover everything",
                  forward_why[] = "it concerns forward proxies",
                  header_why[] = "without it responses would lack what their readers rely on",
                  map_why[] = "without it paths would lead elsewhere",
                  mpm_why[] = "scgate has no threads to count; WorkerProcesses says how many processes serve",
                  scgi_why[] = "it has no meaning for SCGI",
                  reverse_why[] =
                      "redirects and cookies of SCGI applications are passed as they are, in httpd too",
                  rewrite_why[] = "URL rewriting is not part of it; ProxyPass and Alias map paths",
                  tls_why[] = "without it what should be encrypted would be readable";

/* clang-format off */
static const struct directive rows[] = {
    IGNORED("StartServers", mpm_why),
    IGNORED("ServerLimit", mpm_why),
    IGNORED("ThreadsPerChild", mpm_why),
    IGNORED("MaxRequestWorkers", mpm_why),
    IGNORED("MaxClients", mpm_why),
    IGNORED("MinSpareThreads", mpm_why),
    IGNORED("MaxSpareThreads", mpm_why),
    IGNORED("MinSpareServers", mpm_why),
    IGNORED("MaxSpareServers", mpm_why),
    IGNORED("ThreadLimit", mpm_why),
    IGNORED("ThreadStackSize", mpm_why),
    IGNORED("MaxConnectionsPerChild", mpm_why),
    IGNORED("MaxRequestsPerChild", mpm_why),
    IGNORED("AsyncRequestWorkerFactor", mpm_why),
    IGNORED("MaxMemFree", mpm_why),
    IGNORED("Mutex", accept_why),
    IGNORED("AcceptFilter", accept_why),
    IGNORED("AcceptMutex", accept_why),
    IGNORED("EnableMMAP", accept_why),
    IGNORED("EnableSendfile", accept_why),
    IGNORED("SendBufferSize", accept_why),
    IGNORED("ReceiveBufferSize", accept_why),
    IGNORED("ScoreBoardFile", accept_why),
    IGNORED("ListenCoresBucketsRatio", accept_why),
    IGNORED("GracefulShutdownTimeout", accept_why),
    IGNORED("LoadModule", "scgate has no modules to load"),
    IGNORED("LoadFile", "scgate has no modules to load"),
    IGNORED("ExtendedStatus", "it only concerns the inside of httpd"),
    IGNORED("SeeRequestTail", "it only concerns the inside of httpd"),
    IGNORED("CoreDumpDirectory", "it only concerns the inside of httpd"),
    IGNORED("GprofDir", "it only concerns the inside of httpd"),
    IGNORED("EnableExceptionHook", "it only concerns the inside of httpd"),
    IGNORED("LogIOTrackTTFB", "it only concerns the inside of httpd"),
    IGNORED("BufferedLogs", "it only concerns the inside of httpd"),
    IGNORED("AccessFileName", ".htaccess files are not read"),
    IGNORED("AllowOverrideList", ".htaccess files are not read"),
    IGNORED("AddIcon", "directories are not listed"),
    IGNORED("AddIconByType", "directories are not listed"),
    IGNORED("AddIconByEncoding", "directories are not listed"),
    IGNORED("DefaultIcon", "directories are not listed"),
    IGNORED("IndexOptions", "directories are not listed"),
    IGNORED("IndexIgnore", "directories are not listed"),
    IGNORED("IndexIgnoreReset", "directories are not listed"),
    IGNORED("ReadmeName", "directories are not listed"),
    IGNORED("HeaderName", "directories are not listed"),
    IGNORED("IndexOrderDefault", "directories are not listed"),
    IGNORED("IndexStyleSheet", "directories are not listed"),
    IGNORED("IndexHeadInsert", "directories are not listed"),
    IGNORED("AddAlt", "directories are not listed"),
    IGNORED("AddAltByType", "directories are not listed"),
    IGNORED("AddAltByEncoding", "directories are not listed"),
    IGNORED("AddDescription", "directories are not listed"),
    IGNORED_WORD("BalancerInherit", on_off, balancer_why),
    IGNORED_WORD("BalancerPersist", on_off, balancer_why),
    IGNORED("BalancerGrowth", balancer_why),
    IGNORED("Protocols", "HTTP/1.1 is what this release speaks"),
    IGNORED("ProtocolsHonorOrder", "HTTP/1.1 is what this release speaks"),
    IGNORED("SSLRandomSeed", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLSessionCache", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLSessionCacheTimeout", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLPassPhraseDialog", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLCryptoDevice", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLStaplingCache", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLCompression", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLSessionTickets", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("AddLanguage", "content negotiation is not part of it"),
    IGNORED("LanguagePriority", "content negotiation is not part of it"),
    IGNORED("ForceLanguagePriority", "content negotiation is not part of it"),
    IGNORED("AddEncoding", "content negotiation is not part of it"),
    NO_EFFECT_WORD("HostnameLookups", lookups, "addresses are not looked up; REMOTE_HOST is the address"),
    NO_EFFECT_WORD("ProxyAddHeaders", on_off, scgi_why),
    NO_EFFECT_WORD("ProxyPreserveHost", on_off, scgi_why),
    NO_EFFECT_WORD("Proxy100Continue", on_off, scgi_why),
    NO_EFFECT_WORD("ProxyVia", via, scgi_why),
    NO_EFFECT_WORD("ProxyStatus", status_kinds, "there is no status page in this release"),
    NO_EFFECT_WORD("ProxyBadHeader", bad_header, scgi_why),
    NO_EFFECT("ProxyPassReverseCookieDomain", 2, 3, reverse_why),
    NO_EFFECT("ProxyPassReverseCookiePath", 2, 3, reverse_why),
    NO_EFFECT("ProxyIOBufferSize", 1, 1, scgi_why),
    NO_EFFECT("ProxyReceiveBufferSize", 1, 1, accept_why),
    NO_EFFECT("ProxyMaxForwards", 1, 1, forward_why),
    NO_EFFECT("ProxyRemote", 2, 3, forward_why),
    NO_EFFECT("ProxyRemoteMatch", 2, 3, forward_why),
    NO_EFFECT("NoProxy", 1, ANY_NUMBER, forward_why),
    NO_EFFECT("ProxyDomain", 1, 1, forward_why),
    NO_EFFECT("ProxyFtpDirCharset", 1, 1, forward_why),
    NO_EFFECT("HttpProtocolOptions", 1, 3, "requests are read strictly, HTTP/0.9 is refused"),
    NO_EFFECT("RequestReadTimeout", 1, ANY_NUMBER, "Timeout limits how long a client may take"),
    NO_EFFECT("FileETag", 1, ANY_NUMBER, "the ETag of a file is made of size and time"),
    NO_EFFECT("ContentDigest", 1, 1, "it is obsolete"),
    NO_EFFECT("LimitInternalRecursion", 1, 2, "ten internal redirects are the limit"),
    NO_EFFECT("LimitXMLRequestBody", 1, 1, "there is no WebDAV here"),
    NO_EFFECT("ErrorLogFormat", 1, 2, "messages have one form in this release"),
    NO_EFFECT("ProxyPassInherit", 1, 1, "ProxyPass lines of the main server always apply, in httpd too"),
    NO_EFFECT("ServerPath", 1, 1, "it serves clients that send no Host"),
    NO_EFFECT("RegexDefaultOptions", 1, ANY_NUMBER, "expressions are compiled with DOTALL and DOLLAR_ENDONLY"),
    NO_EFFECT("StrictHostCheck", 1, 1, "an unknown host is answered by the first virtual host of its address"),
    NO_EFFECT("MaxRanges", 1, 1, "the number of ranges has a limit of its own"),
    NO_EFFECT("MaxRangeOverlaps", 1, 1, "the number of ranges has a limit of its own"),
    NO_EFFECT("MaxRangeReversals", 1, 1, "the number of ranges has a limit of its own"),
    NO_EFFECT("ReadBufferSize", 1, 1, accept_why),
    NO_EFFECT("FlushMaxThreshold", 1, 1, accept_why),
    NO_EFFECT("FlushMaxPipelined", 1, 1, accept_why),
    {STR_INIT("ProxyPassReverse"), IN_HOST | IN_LOCATION, 1, 4, set_reverse, "ProxyPassReverse [path] url [interpolate]", reverse_why},
    NO_EFFECT("AddCharset", 1, ANY_NUMBER, "AddType may name the charset"),
    {STR_INIT("AddDefaultCharset"), ANYWHERE, 1, 1, set_off_only, "AddDefaultCharset Off", "responses would lack the charset"},
    {STR_INIT("AddHandler"), ANYWHERE, 1, ANY_NUMBER, set_handler, "AddHandler type-map extension ...", content_why},
    {STR_INIT("ProxyErrorOverride"), ANYWHERE, 1, ANY_NUMBER, set_off_only, "ProxyErrorOverride Off", "error pages of applications would be passed on"},
    {STR_INIT("SSLEngine"), IN_HOST, 1, 1, set_off_only, "SSLEngine Off", tls_why},
    {STR_INIT("RewriteEngine"), ANYWHERE, 1, 1, set_off_only, "RewriteEngine Off", rewrite_why},
    REFUSED("RewriteBase", rewrite_why),
    REFUSED("RewriteCond", rewrite_why),
    REFUSED("RewriteMap", rewrite_why),
    REFUSED("RewriteOptions", rewrite_why),
    REFUSED("RewriteRule", rewrite_why),
    REFUSED("AuthType", auth_why),
    REFUSED("AuthName", auth_why),
    REFUSED("AuthUserFile", auth_why),
    REFUSED("AuthGroupFile", auth_why),
    REFUSED("AuthBasicProvider", auth_why),
    REFUSED("AuthBasicAuthoritative", auth_why),
    REFUSED("AuthBasicFake", auth_why),
    REFUSED("AuthBasicUseDigestAlgorithm", auth_why),
    REFUSED("AuthDigestProvider", auth_why),
    REFUSED("AuthDigestDomain", auth_why),
    REFUSED("AuthzProviderAlias", auth_why),
    REFUSED("AuthFormProvider", auth_why),
    REFUSED("AuthLDAPURL", auth_why),
    REFUSED("AuthLDAPBindDN", auth_why),
    REFUSED("AuthLDAPBindPassword", auth_why),
    REFUSED("AllowMethods", access_why),
    REFUSED("ProxyBlock", access_why),
    REFUSED("RemoteIPHeader", access_why),
    REFUSED("RemoteIPInternalProxy", access_why),
    REFUSED("RemoteIPInternalProxyList", access_why),
    REFUSED("RemoteIPTrustedProxy", access_why),
    REFUSED("RemoteIPTrustedProxyList", access_why),
    REFUSED("RemoteIPProxiesHeader", access_why),
    REFUSED("RemoteIPProxyProtocol", access_why),
    REFUSED("RemoteIPProxyProtocolExceptions", access_why),
    IGNORED("SSLCertificateFile", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLCertificateKeyFile", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLCertificateChainFile", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLCACertificateFile", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLCACertificatePath", "TLS is not part of this release; SSLEngine On is refused"),
    REFUSED("SSLVerifyClient", tls_why),
    IGNORED("SSLVerifyDepth", "TLS is not part of this release; SSLEngine On is refused"),
    REFUSED("SSLRequireSSL", tls_why),
    REFUSED("SSLRequire", tls_why),
    IGNORED("SSLOptions", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLProtocol", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLCipherSuite", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLHonorCipherOrder", "TLS is not part of this release; SSLEngine On is refused"),
    IGNORED("SSLUseStapling", "TLS is not part of this release; SSLEngine On is refused"),
    REFUSED("ExpiresActive", header_why),
    REFUSED("ExpiresByType", header_why),
    REFUSED("ExpiresDefault", header_why),
    REFUSED("RemoveHandler", content_why),
    REFUSED("Action", content_why),
    REFUSED("Script", content_why),
    REFUSED("SetOutputFilter", content_why),
    REFUSED("SetInputFilter", content_why),
    REFUSED("AddOutputFilter", content_why),
    REFUSED("AddOutputFilterByType", content_why),
    REFUSED("AddInputFilter", content_why),
    REFUSED("ForceType", content_why),
    REFUSED("DefaultType", content_why),
    REFUSED("RemoveType", content_why),
    REFUSED("FilterProvider", content_why),
    REFUSED("FilterChain", content_why),
    REFUSED("FallbackResource", content_why),
    REFUSED("DirectorySlash", content_why),
    REFUSED("DirectoryIndexRedirect", content_why),
    REFUSED("DirectoryCheckHandler", content_why),
    REFUSED("UserDir", map_why),
    REFUSED("VirtualDocumentRoot", map_why),
    REFUSED("VirtualScriptAlias", map_why),
    REFUSED("VirtualDocumentRootIP", map_why),
    REFUSED("ScriptAlias", cgi_why),
    REFUSED("ScriptAliasMatch", cgi_why),
    REFUSED("ScriptSock", cgi_why),
    REFUSED("ScriptLog", cgi_why),
    REFUSED("BalancerMember", balancer_why),
    REFUSED("ProxySet", balancer_why),
    REFUSED("ProxyHCExpr", balancer_why),
    REFUSED("ProxyHCTemplate", balancer_why),
    REFUSED("TransferLog", "name a format: CustomLog file-path format"),
    REFUSED("SecRuleEngine", access_why),
    REFUSED("SecRule", access_why),
    REFUSED("ChrootDir", access_why),
    REFUSED_SECTION("Limit", expression_why),
    REFUSED_SECTION("LimitExcept", expression_why),
    REFUSED_SECTION("AuthnProviderAlias", expression_why),
    REFUSED_SECTION("AuthzProviderAlias", expression_why),
    {STR_INIT("Error"), ANYWHERE, 1, 1, set_error, "Error \"text\"", "Ends the check of the configuration with that text"},
    ACT("Define", 1, 2, "Define variable [value]", "Sets a variable: ${variable} stands for the value from there on"),
    ACT("UnDefine", 1, 1, "UnDefine variable", "Takes a variable away"),
    ACT("Include", 1, 1, "Include file-path|directory-path|wildcard", "Reads other files at this place"),
    ACT("IncludeOptional", 1, 1, "IncludeOptional file-path|directory-path|wildcard", "The same, but none need be there"),
    ACT("UndefMacro", 1, 1, "UndefMacro name", "Takes a macro away"),
    ACT("Use", 1, ANY_NUMBER, "Use name value ...", "Reads the lines of a macro, with the values in the place of its parameters"),
    {STR_INIT("Macro"), ANYWHERE, 1, ANY_NUMBER, set_done, "<Macro name parameter ...>", "Lines that Use reads, wherever it stands", .section = true},
    {STR_INIT("IfDefine"), ANYWHERE, 1, 2, set_done, "<IfDefine [!]name>", "Reads what it holds if the name was defined", .section = true},
    {STR_INIT("IfDirective"), ANYWHERE, 1, 1, set_done, "<IfDirective [!]directive>", "Reads what it holds if scgate has the directive", .section = true},
    {STR_INIT("IfSection"), ANYWHERE, 1, 1, set_done, "<IfSection [!]section>", "Reads what it holds if scgate has the section", .section = true},
    {STR_INIT("IfFile"), ANYWHERE, 1, 2, set_done, "<IfFile [!]file-path>", "Reads what it holds if the file is there", .section = true},
    {STR_INIT("IfModule"), ANYWHERE, 1, 2, set_done, "<IfModule [!]module>", "Reads what it holds if scgate does what that module of httpd does", .section = true},
    {STR_INIT("IfVersion"), ANYWHERE, 1, 2, set_done, "<IfVersion [!][operator] version>", "Reads what it holds if that is the version; scgate counts as 2.4.71", .section = true},
};
/* clang-format on */

const struct rule_group rules_other = RULE_GROUP(rows);
