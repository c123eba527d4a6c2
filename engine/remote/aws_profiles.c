#include "remote/aws_profiles.h"

#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "remote/secrets.h"

#define N_FILES (AREC_AWS_CREDENTIALS + 1)
#define BLANK " \t"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* A line `key = value`, or with no key the head of a section. Texts lie in the secrets. */
typedef struct {
    ArecAwsFile file;
    bool is_bare; /* `[default]` of the config file, which `[profile default]` replaces */
    const char *profile;
    const char *key;
    char *value;
} Entry;

struct ArecAwsProfiles {
    ArecSecrets texts[2 * N_FILES]; /* of the files that were added */
    size_t n_texts;
    Entry *entries;
    size_t n_entries, max_entries;
};

typedef struct {
    ArecAwsProfiles *profiles;
    ArecAwsFile file;
    const char *path;
    size_t line;         /* from 1 on */
    bool is_in_section;  /* there was a head */
    const char *profile; /* of the section; NULL: it is none */
    bool is_bare;
    bool has_property; /* in this section: a line may go on */
    size_t indent;     /* of that */
    char *value;       /* of that, where it is kept; NULL: it is not */
} Parser;

/* ---- lines ---- */

static bool
fail (const Parser *parser, GError **error, const char *what)
{
    return arec_fail (error, AREC_ERROR_INVALID, "%s: line %zu: %s", parser->path, parser->line,
                      what);
}

static bool
is_blank (char c)
{
    return c == ' ' || c == '\t';
}

/* @text without blanks at both ends; writes its end. */
static char *
trim (char *text)
{
    size_t size;

    text += strspn (text, BLANK);
    size = strlen (text);
    while (size > 0 && is_blank (text[size - 1])) {
        size--;
    }
    text[size] = '\0';
    return text;
}

static void
cut_comment (char *value)
{
    for (char *at = value; *at; at++) {
        if ((*at == '#' || *at == ';') && at > value && is_blank (at[-1])) {
            *at = '\0';
            trim (value);
            return;
        }
    }
}

static bool
add_entry (Parser *parser, const char *key, char *value, GError **error)
{
    ArecAwsProfiles *profiles = parser->profiles;

    if (!arec_array_reserve (&profiles->entries, &profiles->max_entries,
                             profiles->n_entries + 1, sizeof *profiles->entries)) {
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory for its profiles",
                          parser->path);
    }
    profiles->entries[profiles->n_entries++] = (Entry){.file = parser->file,
                                                       .is_bare = parser->is_bare,
                                                       .profile = parser->profile,
                                                       .key = key,
                                                       .value = value};
    return true;
}

/* ---- heads of sections ---- */

/* Without the quotes around it. */
static char *
unquote (char *name)
{
    const size_t size = strlen (name);

    if (size >= 2 && (name[0] == '"' || name[0] == '\'') && name[size - 1] == name[0]) {
        name[size - 1] = '\0';
        return name + 1;
    }
    return name;
}

/* The profile that a head of the config file names, or NULL. */
static const char *
profile_of_config (char *head)
{
    const size_t prefix = strlen ("profile");
    char *name;

    if (strcmp (head, "default") == 0) {
        return head;
    }
    if (strncmp (head, "profile", prefix) != 0 || !is_blank (head[prefix])) {
        return NULL;
    }
    name = unquote (trim (head + prefix));
    return *name ? name : NULL;
}

static bool
parse_head (Parser *parser, char *line, GError **error)
{
    char *end = strchr (line, ']'), *head;

    if (!end) {
        return fail (parser, error, "a `[` without a `]`");
    }
    *end = '\0';
    head = trim (line + 1);
    parser->is_in_section = true;
    parser->has_property = false;
    parser->is_bare = parser->file == AREC_AWS_CONFIG && strcmp (head, "default") == 0;
    parser->profile = parser->file == AREC_AWS_CONFIG ? profile_of_config (head)
                      : *head                         ? head
                                                      : NULL;
    return !parser->profile || add_entry (parser, NULL, NULL, error);
}

/* ---- properties ---- */

static bool
parse_property (Parser *parser, char *line, size_t indent, GError **error)
{
    char *mark = strpbrk (line, "=:"), *key, *value;

    if (!parser->is_in_section) {
        return fail (parser, error, "expected `[NAME]` before it");
    }
    if (!mark || mark == line) {
        return fail (parser, error, "expected `[NAME]` or `KEY = VALUE`");
    }
    *mark = '\0';
    key = trim (line);
    value = trim (mark + 1);
    if (g_ascii_strcasecmp (key, "credential_process") != 0) {
        cut_comment (value);
    }
    parser->has_property = true;
    parser->indent = indent;
    parser->value = parser->profile ? value : NULL;
    return !parser->profile || add_entry (parser, key, value, error);
}

/* The last property goes on with @more, which lies behind it in memory. Below one without a
 * value are nested ones. */
static void
go_on (Parser *parser, const char *more)
{
    if (parser->value && *parser->value) {
        char *end = parser->value + strlen (parser->value);

        *end++ = '\n';
        memmove (end, more, strlen (more) + 1);
    }
}

static bool
parse_line (Parser *parser, char *line, GError **error)
{
    const size_t indent = strspn (line, BLANK);
    char *text = trim (line);

    if (*text == '\0' || *text == '#' || *text == ';') {
        return true;
    }
    if (parser->has_property && indent > parser->indent) {
        go_on (parser, text);
        return true;
    }
    return *text == '[' ? parse_head (parser, text, error)
                        : parse_property (parser, text, indent, error);
}

/* Lines end by LF or CR LF. */
static bool
parse_text (Parser *parser, char *text, GError **error)
{
    char *next;

    if (g_str_has_prefix (text, BYTE_ORDER_MARK)) {
        text += strlen (BYTE_ORDER_MARK);
    }
    for (char *line = text; line; line = next) {
        char *end = strchr (line, '\n');

        next = end ? end + 1 : NULL;
        end = end ? end : line + strlen (line);
        if (end > line && end[-1] == '\r') {
            end--;
        }
        *end = '\0';
        parser->line++;
        if (!parse_line (parser, line, error)) {
            return false;
        }
    }
    return true;
}

/* ---- profiles ---- */

ArecAwsProfiles *
arec_aws_profiles_new (void)
{
    return g_new0 (ArecAwsProfiles, 1);
}

void
arec_aws_profiles_free (ArecAwsProfiles *profiles)
{
    if (!profiles) {
        return;
    }
    for (size_t i = 0; i < profiles->n_texts; i++) {
        arec_secrets_clear (&profiles->texts[i]);
    }
    g_free (profiles->entries);
    g_free (profiles);
}

bool
arec_aws_profiles_add (ArecAwsProfiles *profiles, ArecAwsFile file, const char *path,
                       const char *text, size_t size, GError **error)
{
    Parser parser = {.profiles = profiles, .file = file, .path = path};
    ArecSecrets *secrets = &profiles->texts[profiles->n_texts];

    if (size > AREC_AWS_MAX_FILE || profiles->n_texts == G_N_ELEMENTS (profiles->texts)) {
        return arec_fail (error, AREC_ERROR_LIMIT,
                          "%s: %zu bytes of profiles, expected %zu at most", path, size,
                          AREC_AWS_MAX_FILE);
    }
    if (memchr (text, '\0', size)) {
        return arec_fail (error, AREC_ERROR_INVALID, "%s: a NUL, expected text", path);
    }
    if (!arec_secrets_init (secrets, size + 1)) {
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory for its profiles", path);
    }
    profiles->n_texts++;
    return parse_text (&parser, arec_secrets_add (secrets, text, size), error);
}

static bool
is_profile (const Entry *entry, const char *profile)
{
    return strcmp (entry->profile, profile) == 0;
}

/* Whether `[profile default]` stands in the config file, so that `[default]` there does not
 * count. */
static bool
is_default_named (const ArecAwsProfiles *profiles)
{
    for (size_t i = 0; i < profiles->n_entries; i++) {
        const Entry *entry = &profiles->entries[i];

        if (entry->file == AREC_AWS_CONFIG && !entry->is_bare &&
            is_profile (entry, "default")) {
            return true;
        }
    }
    return false;
}

bool
arec_aws_profiles_has (const ArecAwsProfiles *profiles, const char *profile)
{
    for (size_t i = 0; i < profiles->n_entries; i++) {
        if (is_profile (&profiles->entries[i], profile)) {
            return true;
        }
    }
    return false;
}

static const char *
get_from (const ArecAwsProfiles *profiles, ArecAwsFile file, const char *profile,
          const char *key)
{
    const bool is_named = is_default_named (profiles);

    for (size_t i = profiles->n_entries; i-- > 0;) {
        const Entry *entry = &profiles->entries[i];

        if (entry->key && entry->file == file && is_profile (entry, profile) &&
            g_ascii_strcasecmp (entry->key, key) == 0 && !(entry->is_bare && is_named)) {
            return entry->value;
        }
    }
    return NULL;
}

const char *
arec_aws_profiles_get (const ArecAwsProfiles *profiles, const char *profile, const char *key)
{
    const char *value = get_from (profiles, AREC_AWS_CREDENTIALS, profile, key);

    return value ? value : get_from (profiles, AREC_AWS_CONFIG, profile, key);
}
