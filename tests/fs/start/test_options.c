/* The command line: each option in every form in which it may be typed, the code and text of
 * each error. */
#include "start/options.h"

#include <string.h>

#include "files.h"

static ArecfsOptions *
parse_strv (char **args, GError **error)
{
    return arecfs_options_parse ((int)g_strv_length (args), args, error);
}

/* `arecfs ARG... src mnt`; @args is NULL-terminated. */
static ArecfsOptions *
parse_with (const char *const *args, GError **error)
{
    g_autoptr (GStrvBuilder) builder = g_strv_builder_new();
    g_auto (GStrv) all = NULL;

    g_strv_builder_add (builder, "arecfs");
    for (; *args; args++) {
        g_strv_builder_add (builder, *args);
    }
    g_strv_builder_add_many (builder, "src", "mnt", NULL);
    all = g_strv_builder_end (builder);
    return parse_strv (all, error);
}

#define PARSE(error, ...) parse_with ((const char *const[]){__VA_ARGS__, NULL}, error)

static void
append_strings (GString *text, const char *name, const GPtrArray *strings)
{
    for (guint i = 0; i < strings->len; i++) {
        g_string_append_printf (text, "%s=%s\n", name,
                                (const char *)g_ptr_array_index (strings, i));
    }
}

/* All that a command line can set, one line each, without what is at its default. */
static char *
describe (const ArecfsOptions *options)
{
    GString *text = g_string_new (NULL);
    const ArecReaderOptions *reader = &options->reader;

    for (char **source = options->sources; source && *source; source++) {
        g_string_append_printf (text, "source=%s\n", *source);
    }
    for (char **point = options->unmounts; point && *point; point++) {
        g_string_append_printf (text, "unmount=%s\n", *point);
    }
    if (options->mount_point) {
        g_string_append_printf (text, "mount_point=%s\n", options->mount_point);
    }
#define SHOW(condition, ...)                                                                   \
    if (condition) {                                                                           \
        g_string_append_printf (text, __VA_ARGS__);                                            \
    }
    SHOW (options->action != ARECFS_RUN, "action=%d\n", options->action)
    SHOW (options->foreground, "foreground\n")
    SHOW (options->debug, "debug\n")
    SHOW (options->profile, "profile=%s\n", options->profile->name)
    SHOW (options->engine.cache_size, "cache_size=%" G_GUINT64_FORMAT "\n",
          options->engine.cache_size)
    SHOW (options->engine.max_parallelism, "engine.max_parallelism=%u\n",
          options->engine.max_parallelism)
    SHOW (options->engine.no_threads, "engine.no_threads\n")
    SHOW (options->engine.max_chunk_size, "max_chunk_size\n")
    SHOW (options->engine.max_open_files, "max_open_files\n")
    SHOW (options->engine.max_transposed_ratio, "max_transposed_ratio\n")
    SHOW (options->engine.max_transposed_depth, "max_transposed_depth\n")
    SHOW (options->engine.remote.request_deadline, "request_deadline=%" G_GUINT64_FORMAT "\n",
          options->engine.remote.request_deadline)
    SHOW (options->engine.remote.max_requests, "max_requests=%u\n",
          options->engine.remote.max_requests)
    SHOW (options->engine.remote.has_prefetch, "prefetch=%" G_GUINT64_FORMAT "\n",
          options->engine.remote.prefetch)
    SHOW (options->engine.remote.endpoint_url, "endpoint_url=%s\n",
          options->engine.remote.endpoint_url)
    SHOW (options->engine.remote.region, "region=%s\n", options->engine.remote.region)
    SHOW (options->engine.remote.addressing, "addressing=%d\n",
          options->engine.remote.addressing)
    SHOW (options->engine.remote.aws_profile, "aws_profile=%s\n",
          options->engine.remote.aws_profile)
    SHOW (options->engine.remote.anonymous, "anonymous\n")
    SHOW (options->engine.remote.requester_pays, "requester_pays\n")
    SHOW (options->engine.remote.billing_project, "billing_project=%s\n",
          options->engine.remote.billing_project)
    SHOW (options->engine.remote.cache_dir, "cache_dir=%s\n", options->engine.remote.cache_dir)
    SHOW (options->engine.remote.cache_dir_size, "cache_dir_size=%" G_GUINT64_FORMAT "\n",
          options->engine.remote.cache_dir_size)
    SHOW (options->engine.index_dir, "index_dir=%s\n", options->engine.index_dir)
    SHOW (reader->has_max_parallelism, "max_parallelism=%u\n", reader->max_parallelism)
    SHOW (reader->readahead_buffer_size, "readahead=%" G_GUINT64_FORMAT "\n",
          reader->readahead_buffer_size)
    SHOW (reader->index_storage == AREC_INDEX_IN_MEMORY, "in_memory\n")
    SHOW (reader->index_storage == AREC_INDEX_OFFLOADED, "offloaded\n")
    SHOW (reader->kind == AREC_KIND_ARRAY_RECORD, "kind array_record\n")
    SHOW (reader->kind == AREC_KIND_RIEGELI, "kind riegeli\n")
    SHOW (reader->recover, "recover\n")
    SHOW (options->merge, "merge\n")
    SHOW (options->plain_names, "plain_names\n")
    SHOW (options->suffix, "suffix=%s\n", options->suffix)
    append_strings (text, "pattern", options->patterns);
    SHOW (options->no_push, "no_push\n")
    SHOW (options->idle_unmount, "idle_unmount=%u\n", options->idle_unmount)
    SHOW (options->ownership.has_uid, "uid=%u\n", options->ownership.uid)
    SHOW (options->ownership.has_gid, "gid=%u\n", options->ownership.gid)
    SHOW (options->ownership.has_umask, "umask=%o\n", options->ownership.umask)
    SHOW (options->ownership.has_fmask, "fmask=%o\n", options->ownership.fmask)
    SHOW (options->ownership.has_dmask, "dmask=%o\n", options->ownership.dmask)
    SHOW (options->allow_other, "allow_other\n")
    SHOW (options->asked_rw, "rw\n")
    SHOW (options->remount, "remount\n")
    SHOW (options->max_read, "max_read=%u\n", options->max_read)
    SHOW (options->fsname, "fsname=%s\n", options->fsname)
    append_strings (text, "mount", options->mount_options);
    SHOW (options->log_level != G_LOG_LEVEL_MESSAGE, "log_level=%d\n", options->log_level)
    SHOW (options->log_file, "log_file=%s\n", options->log_file)
#undef SHOW
    return g_string_free (text, FALSE);
}

static void
check (const ArecfsOptions *options, const GError *error, const char *expected)
{
    g_autofree char *whole = g_strconcat ("source=src\nmount_point=mnt\n", expected, NULL);
    g_autofree char *found = NULL;

    g_assert_no_error (error);
    g_assert_nonnull (options);
    found = describe (options);
    g_assert_cmpstr (found, ==, whole);
}

/* ---- options of our own, which have two forms ---- */

static const struct {
    const char *name;
    const char *value; /* NULL: a flag */
    const char *expected;
} good[] = {
    {"cache-size", "4096", "cache_size=4096\n"},
    {"cache-size", "64K", "cache_size=65536\n"},
    {"cache-size", "256MiB", "cache_size=268435456\n"},
    {"cache-size", "1gB", "cache_size=1073741824\n"},
    {"cache-size", "auto", ""},
    {"readahead-buffer-size", "16MB", "readahead=16777216\n"},
    {"readahead-buffer-size", "512KB", "readahead=524288\n"},
    {"readahead-buffer-size", "0", ""},
    {"max-parallelism", "3", "engine.max_parallelism=3\nmax_parallelism=3\n"},
    {"max-parallelism", "0",
     "engine.max_parallelism=1\nengine.no_threads\nmax_parallelism=0\nno_push\n"},
    {"max-parallelism", "1024", "engine.max_parallelism=1024\nmax_parallelism=1024\n"},
    {"max-parallelism", "auto", ""},
    {"index-storage-option", "in_memory", "in_memory\n"},
    {"reader-options", "max_parallelism:5", "engine.max_parallelism=5\nmax_parallelism=5\n"},
    {"reader-options", "readahead_buffer_size:1k", "readahead=1024\n"},
    {"reader-options", "", ""},
    {"profile", "batch",
     "profile=batch\nengine.max_parallelism=2\nmax_parallelism=2\nreadahead=4194304\n"},
    {"profile", "sequential", "profile=sequential\nreadahead=16777216\n"},
    {"profile", "low-memory",
     "profile=low-memory\ncache_size=33554432\nengine.max_parallelism=1\n"
     "max_parallelism=1\nreadahead=1048576\noffloaded\n"},
    {"merge", NULL, "merge\n"},
    {"names", "plain", "plain_names\n"},
    {"names", "padded", ""},
    {"suffix", ".png", "suffix=.png\n"},
    {"suffix", "png", "suffix=.png\n"},
    {"suffix", "-v", "suffix=-v\n"},
    {"suffix", "auto", "suffix=auto\n"},
    {"suffix", "", "suffix=\n"},
    {"suffix", ".234567890123456789012345678901x", "suffix=.234567890123456789012345678901x\n"},
    {"pattern", "*.rec", "pattern=*.rec\n"},
    {"kind", "array_record", "kind array_record\n"},
    {"kind", "riegeli", "kind riegeli\n"},
    {"recover", NULL, "recover\n"},
    {"no-push", NULL, "no_push\n"},
    {"index-storage-option", "offloaded", "offloaded\n"},
    {"reader-options", "index_storage_option:offloaded", "offloaded\n"},
    {"index-dir", "/var/tmp", "index_dir=/var/tmp\n"},
    {"request-deadline", "0.5", "request_deadline=500000\n"},
    {"request-deadline", "auto", ""},
    {"max-requests", "8", "max_requests=8\n"},
    {"prefetch", "0", "prefetch=0\n"},
    {"prefetch", "8M", "prefetch=8388608\n"},
    {"endpoint-url", "http://h:9000", "endpoint_url=http://h:9000\n"},
    {"endpoint-url", "auto", ""},
    {"region", "eu-north-1", "region=eu-north-1\n"},
    {"addressing", "virtual", "addressing=1\n"},
    {"addressing", "path", "addressing=2\n"},
    {"addressing", "auto", ""},
    {"aws-profile", "a b", "aws_profile=a b\n"},
    {"anonymous", NULL, "anonymous\n"},
    {"requester-pays", NULL, "requester_pays\n"},
    {"billing-project", "p-1", "billing_project=p-1\n"},
    {"cache-dir", "/var/./tmp/a b", "cache_dir=/var/tmp/a b\n"},
    {"cache-dir-size", "1G", "cache_dir_size=1073741824\n"},
    {"idle-unmount", "0", ""},
    {"idle-unmount", "90", "idle_unmount=90\n"},
    {"idle-unmount", "31536000", "idle_unmount=31536000\n"},
    {"log-level", "error", "log_level=8\n"},
    {"log-level", "warning", "log_level=16\n"},
    {"log-level", "message", ""},
    {"log-level", "info", "log_level=64\n"},
    {"log-level", "debug", "log_level=128\n"},
    {"log-file", "/var/log/arecfs", "log_file=/var/log/arecfs\n"},
    {"log-file", "/var//log/../log/a b", "log_file=/var/log/a b\n"},
};

static void
test_both_forms (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (good); i++) {
        const char *name = good[i].name, *value = good[i].value;
        g_autofree char *as_long = g_strconcat ("--", name, NULL);
        g_autofree char *joined =
            value ? g_strconcat ("--", name, "=", value, NULL) : g_strdup (as_long);
        g_autofree char *mount = value ? g_strconcat (name, "=", value, NULL) : g_strdup (name);
        g_autofree char *attached = g_strconcat ("-o", mount, NULL);
        g_autofree char *in_list = g_strconcat ("ro,", mount, ",nodev", NULL);
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecfsOptions) options = PARSE (&error, joined);
        char *separate[] = {as_long, (char *)value, NULL};

        g_test_message ("%s", joined);
        check (options, error, good[i].expected);
        arecfs_options_free (g_steal_pointer (&options));
        options = parse_with ((const char *const *)separate, &error);
        check (options, error, good[i].expected);
        arecfs_options_free (g_steal_pointer (&options));
        options = PARSE (&error, "-o", mount);
        check (options, error, good[i].expected);
        arecfs_options_free (g_steal_pointer (&options));
        options = PARSE (&error, attached);
        check (options, error, good[i].expected);
        arecfs_options_free (g_steal_pointer (&options));

        options = PARSE (&error, "-o", in_list);
        g_assert_no_error (error);
        g_assert_cmpuint (options->mount_options->len, ==, 1);
        g_assert_cmpstr (g_ptr_array_index (options->mount_options, 0), ==, "nodev");
    }
}

static const char size_forms[] = "a number of bytes is expected, optionally with K, M, G, T, "
                                 "KB, MB, GB, TB, KiB, MiB, GiB or TiB";

/* @message: the whole message; with a star at the end, its start. */
static const struct {
    const char *name;
    const char *value;
    ArecError code;
    const char *message;
} bad[] = {
    {"cache-size", "x", AREC_ERROR_INVALID, "option cache-size: 'x' is not a size: *"},
    {"cache-size", "-1", AREC_ERROR_INVALID, "option cache-size: '-1' is not a size: *"},
    {"cache-size", "", AREC_ERROR_INVALID, "option cache-size: '' is not a size: *"},
    {"cache-size", "1X", AREC_ERROR_INVALID, "option cache-size: '1X' is not a size: *"},
    {"cache-size", "99999999999999999999", AREC_ERROR_INVALID, "option cache-size: the size *"},
    {"readahead-buffer-size", "x", AREC_ERROR_INVALID,
     "option readahead-buffer-size: 'x' is not a size*"},
    {"max-parallelism", "x", AREC_ERROR_INVALID,
     "Option max_parallelism: invalid value: x, valid values: auto, integers in the range "
     "[0..2147483647]"},
    {"max-parallelism", "-1", AREC_ERROR_INVALID,
     "Option max_parallelism: invalid value: -1, valid values: *"},
    {"max-parallelism", "", AREC_ERROR_INVALID,
     "Option max_parallelism: invalid value: (empty), valid values: *"},
    {"index-storage-option", "disk", AREC_ERROR_INVALID,
     "Option index_storage_option: invalid value: disk, valid values: (empty), in_memory, "
     "offloaded"},
    {"reader-options", "bogus:1", AREC_ERROR_INVALID, "Unknown option bogus, valid options: *"},
    {"profile", "fast", AREC_ERROR_INVALID,
     "option profile: 'fast' is not one of sequential, random, batch, mixed, low-memory, "
     "constrained, high-memory, cloud, linux"},
    {"profile", "", AREC_ERROR_INVALID, "option profile: '' is not one of sequential, *"},
    {"profile", "Random", AREC_ERROR_INVALID, "option profile: 'Random' is not one of *"},
    /* A profile of writers alone. */
    {"profile", "balanced", AREC_ERROR_INVALID, "option profile: 'balanced' is not one of *"},
    {"names", "Plain", AREC_ERROR_INVALID, "option names: 'Plain' is not one of padded, plain"},
    {"suffix", "a/b", AREC_ERROR_INVALID,
     "option suffix: 'a/b' is not a part of a file name of at most 32 bytes"},
    {"suffix", ".234567890123456789012345678901xy", AREC_ERROR_INVALID,
     "option suffix: '.234567890123456789012345678901xy' is not a part of a file name of at "
     "most 32 bytes"},
    {"suffix", "1.png", AREC_ERROR_INVALID,
     "option suffix: '1.png' begins with a digit, which would change the numbers"},
    {"kind", "zip", AREC_ERROR_INVALID,
     "option kind: 'zip' is not one of array_record, riegeli"},
    {"request-deadline", "0", AREC_ERROR_INVALID,
     "option request-deadline: '0' is not a number of seconds from 0.001 to 86400"},
    {"max-requests", "0", AREC_ERROR_INVALID,
     "option max-requests: '0' is not a number from 1 to 1024"},
    {"endpoint-url", "ftp://h", AREC_ERROR_INVALID,
     "option endpoint-url: ftp://h: unknown scheme; https://, http://, s3:// and gs:// are "
     "read"},
    {"region", "a.b", AREC_ERROR_INVALID,
     "option region: 'a.b' is no region: those have letters, digits and hyphens"},
    {"addressing", "both", AREC_ERROR_INVALID,
     "option addressing: invalid value: both, expected auto, virtual or path"},
    {"aws-profile", "", AREC_ERROR_INVALID, "option aws-profile: a profile has a name"},
    {"billing-project", "a b", AREC_ERROR_INVALID, "option billing-project: 'a b' is no name"},
    {"prefetch", "x", AREC_ERROR_INVALID, "option prefetch: 'x' is not a size*"},
    {"idle-unmount", "soon", AREC_ERROR_INVALID,
     "option idle-unmount: 'soon' is not a number from 0 to 31536000"},
    {"idle-unmount", "", AREC_ERROR_INVALID,
     "option idle-unmount: '' is not a number from 0 to 31536000"},
    {"idle-unmount", "-1", AREC_ERROR_INVALID,
     "option idle-unmount: '-1' is not a number from 0 to 31536000"},
    {"idle-unmount", "31536001", AREC_ERROR_INVALID,
     "option idle-unmount: '31536001' is not a number from 0 to 31536000"},
    {"log-level", "loud", AREC_ERROR_INVALID,
     "option log-level: 'loud' is not one of error, warning, message, info, debug"},
};

/* Takes *error, set by the call that gave @options. */
static void
check_error (const ArecfsOptions *options, GError **error, ArecError code, const char *message)
{
    g_assert_null (options);
    g_assert_error (*error, AREC_ERROR, (gint)code);
    if (!g_pattern_match_simple (message, (*error)->message)) {
        g_error ("'%s' is not '%s'", (*error)->message, message);
    }
    g_assert_null (strchr ((*error)->message, '\n'));
    g_clear_error (error);
}

static void
test_errors_of_both_forms (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (bad); i++) {
        const char *name = bad[i].name, *value = bad[i].value;
        g_autofree char *tail = value ? g_strconcat ("=", value, NULL) : g_strdup ("");
        g_autofree char *as_long = g_strconcat ("--", name, tail, NULL);
        g_autofree char *mount = g_strconcat (name, tail, NULL);
        g_autofree char *in_list = g_strconcat ("ro,", mount, ",nosuch", NULL);
        GError *error = NULL;

        check_error (PARSE (&error, as_long), &error, bad[i].code, bad[i].message);
        check_error (PARSE (&error, "-o", mount), &error, bad[i].code, bad[i].message);
        /* The first wrong option is reported. */
        check_error (PARSE (&error, "-o", in_list), &error, bad[i].code, bad[i].message);
    }
}

static void
test_size_forms_in_the_error (void)
{
    GError *error = NULL;
    g_autofree char *message =
        g_strconcat ("option cache-size: '1 potato' is not a size: ", size_forms, NULL);

    check_error (PARSE (&error, "--cache-size", "1 potato"), &error, AREC_ERROR_INVALID,
                 message);
}

/* ---- a list of sources ---- */

static void
check_sources (const char *const *args, const char *expected, const char *message)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecfsOptions) options = parse_strv ((char **)args, &error);
    g_autofree char *joined = options ? g_strjoinv ("|", options->sources) : NULL;

    g_assert_cmpstr (error ? error->message : NULL, ==, message);
    g_assert_cmpstr (joined, ==, expected);
}

#define CHECK_SOURCES(expected, message, ...)                                                  \
    check_sources ((const char *const[]){"arecfs", __VA_ARGS__, NULL}, expected, message)

static void
test_files_from (void)
{
    char *path = test_file_write ("list", "a\n\nb[1:2]\r\n", 11);
    g_autofree char *listing = g_strconcat ("--files-from=", path, NULL);
    g_autofree char *in_list = g_strconcat ("ro,files_from=", path, NULL);
    static const char usage[] =
        "no mount point; usage: arecfs [OPTION]... SOURCE... MOUNTPOINT";

    CHECK_SOURCES ("a|b[1:2]", NULL, listing, "mnt");
    CHECK_SOURCES ("x|y|a|b[1:2]", NULL, "x", listing, "y", "mnt");
    CHECK_SOURCES ("x|a|b[1:2]", NULL, "x", "mnt", "-o", in_list);
    /* The options are parsed twice then. */
    CHECK_SOURCES ("x|a|b[1:2]", NULL, "x", "mnt", listing, "--profile=random");
    CHECK_SOURCES ("a|b[1:2]", NULL, "--files-from=absent", "mnt", listing);
    CHECK_SOURCES (NULL, usage, listing);
    CHECK_SOURCES (NULL, "absent: No such file or directory", "--files-from=absent", "mnt");
    CHECK_SOURCES (NULL, "/dev/null: holds no names", "--files-from=/dev/null", "mnt");
    /* Nothing is mounted. */
    CHECK_SOURCES ("x", NULL, "x", "mnt", "-oremount", "--files-from=absent");
    test_file_remove (path);
}

/* Every option of the two tables is in --help, so every row above is an option that exists. */
static void
test_help (void)
{
    static const char *const forms[] = {"--help", "-h"};

    for (size_t i = 0; i < G_N_ELEMENTS (forms); i++) {
        char *args[] = {"arecfs", (char *)forms[i], NULL};
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecfsOptions) options = parse_strv (args, &error);

        g_assert_no_error (error);
        g_assert_cmpint (options->action, ==, ARECFS_HELP);
        g_assert_true (g_str_has_prefix (options->help, "Usage:"));
        for (size_t k = 0; k < G_N_ELEMENTS (good); k++) {
            g_autofree char *wanted = g_strconcat ("--", good[k].name, NULL);

            g_assert_nonnull (strstr (options->help, wanted));
        }
        for (size_t k = 0; k < G_N_ELEMENTS (bad); k++) {
            g_autofree char *wanted = g_strconcat ("--", bad[k].name, NULL);

            g_assert_nonnull (strstr (options->help, wanted));
        }
        g_assert_nonnull (strstr (options->help, "--foreground"));
        g_assert_nonnull (strstr (options->help, "--debug"));
        g_assert_nonnull (strstr (options->help, "--version"));
    }
}

static void
test_version (void)
{
    static const char *const forms[] = {"--version", "-V"};

    for (size_t i = 0; i < G_N_ELEMENTS (forms); i++) {
        char *args[] = {"arecfs", (char *)forms[i], NULL};
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecfsOptions) options = parse_strv (args, &error);

        g_assert_no_error (error);
        g_assert_cmpint (options->action, ==, ARECFS_VERSION);
    }
}

/* ---- short options, operands ---- */

static void
test_short (void)
{
    static const struct {
        const char *args[4];
        const char *expected;
    } rows[] = {
        {{"-f"}, "foreground\n"},
        {{"--foreground"}, "foreground\n"},
        {{"-d"}, "foreground\ndebug\nlog_level=128\n"},
        {{"--debug"}, "foreground\ndebug\nlog_level=128\n"},
        {{"-f", "-o", "nodev"}, "foreground\nmount=nodev\n"},
        {{"-fo", "nodev"}, "foreground\nmount=nodev\n"},
        {{"--options", "dev"}, "mount=dev\n"},
        {{"--options=dev"}, "mount=dev\n"},
        {{"-osuid", "-onodev"}, "mount=suid\nmount=nodev\n"},
        {{"-o", "suid", "-o", "nodev"}, "mount=suid\nmount=nodev\n"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        const char *args[5] = {rows[i].args[0], rows[i].args[1], rows[i].args[2],
                               rows[i].args[3], NULL};
        g_autoptr (ArecfsOptions) options = parse_with (args, &error);

        check (options, error, rows[i].expected);
    }
}

static void
test_operands (void)
{
    static const struct {
        const char *args[7];
        const char *expected;
    } rows[] = {
        {{"a", "m"}, "source=a\nmount_point=m\n"},
        {{"a", "b", "c[1:2]", "m"}, "source=a\nsource=b\nsource=c[1:2]\nmount_point=m\n"},
        {{"a", "--merge", "b", "m"}, "source=a\nsource=b\nmount_point=m\nmerge\n"},
        {{"a", "m", "-o", "nodev"}, "source=a\nmount_point=m\nmount=nodev\n"},
        {{"-u", "m"}, "unmount=m\naction=3\n"},
        {{"--unmount", "m", "n"}, "unmount=m\nunmount=n\naction=3\n"},
        {{"--", "-odd", "--merge"}, "source=-odd\nmount_point=--merge\n"},
        {{"-f", "--", "-f", "m"}, "source=-f\nmount_point=m\nforeground\n"},
        {{"a, b", "ü m"}, "source=a, b\nmount_point=ü m\n"},
        /* Not UTF-8. */
        {{"a\xff\xfe", "m\xe4"}, "source=a\xff\xfe\nmount_point=m\xe4\n"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        char *args[9] = {"arecfs"};
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecfsOptions) options = NULL;
        g_autofree char *found = NULL;

        memcpy (args + 1, rows[i].args, sizeof rows[i].args);
        options = parse_strv (args, &error);
        g_assert_no_error (error);
        found = describe (options);
        g_assert_cmpstr (found, ==, rows[i].expected);
    }
}

static void
test_usage_errors (void)
{
    static const struct {
        const char *args[4];
        const char *message;
    } rows[] = {
        {{NULL},
         "no source and no mount point; usage: arecfs [OPTION]... SOURCE... MOUNTPOINT"},
        {{"a"}, "no mount point; usage: arecfs [OPTION]... SOURCE... MOUNTPOINT"},
        {{"-f", "a"}, "no mount point; *"},
        {{"--bogus", "a", "m"}, "unknown option --bogus; try 'arecfs --help'"},
        {{"-x", "a", "m"}, "unknown option -x; try 'arecfs --help'"},
        {{"--merg", "a", "m"},
         "unknown option --merg; try 'arecfs --help', or is --merge meant?"},
        {{"a", "m", "-o"}, "Missing argument for -o"},
        {{"a", "m", "--cache-size"}, "Missing argument for --cache-size"},
        {{"a", "m", "--suffix"}, "Missing argument for --suffix"},
        {{"-u"}, "no mount point; usage: arecfs -u MOUNTPOINT..."},
        {{"-o", "rw=1", "a", "m"}, "unknown mount option 'rw=1'"},
        {{"-o", "relatime=1", "a", "m"}, "unknown mount option 'relatime=1'"},
        {{"-o", "xy", "a", "m"}, "unknown mount option 'xy'"},
        {{"-o", "max_read=x", "a", "m"},
         "option max_read: 'x' is not a number from 0 to 4294967295"},
        {{"-o", "max_read", "a", "m"}, "option max_read needs a value"},
        {{"-o", "fsname=", "a", "m"}, "option fsname: expected a name of 1 to 1024 bytes"},
        {{"-o", "context=", "a", "m"}, "option context needs a value"},
        {{"-o", "rootcontext=", "a", "m"}, "option rootcontext needs a value"},
        {{"-o", "fmask=9", "a", "m"}, "option fmask: '9' is not an octal number from 0 to 777"},
        {{"-o", "dmask=", "a", "m"}, "option dmask: '' is not an octal number from 0 to 777"},
        {{"-o", "dmask", "a", "m"}, "option dmask needs a value"},
        {{"-o", "cache_size=abc", "a", "m"}, "option cache-size: 'abc' is not a size: *"},
        {{"--cache_size=abc", "a", "m"}, "option cache-size: 'abc' is not a size: *"},
        {{"--no_push=1", "a", "m"}, "option no-push takes no value"},
        {{"--no_such_option=1", "a", "m"},
         "unknown option --no_such_option=1; try 'arecfs --help'"},
        {{"-o", "bogus", "a", "m"}, "unknown mount option 'bogus'"},
        {{"-obogus=1", "a", "m"}, "unknown mount option 'bogus=1'"},
        {{"-o", "ro,bogus,nodev", "a", "m"}, "unknown mount option 'bogus'"},
        {{"-o", "ro=1", "a", "m"}, "unknown mount option 'ro=1'"},
        {{"-o", "RO", "a", "m"}, "unknown mount option 'RO'"},
        {{"-o", "allow_other=1", "a", "m"}, "unknown mount option 'allow_other=1'"},
        {{"-o", "cache-size", "a", "m"}, "option cache-size needs a value"},
        {{"-o", "suffix", "a", "m"}, "option suffix needs a value"},
        {{"-o", "merge=yes", "a", "m"}, "option merge takes no value"},
        {{"-o", "no-push=", "a", "m"}, "option no-push takes no value"},
        {{"-o", "uid=x", "a", "m"},
         "option uid: 'x' is neither a number from 0 to 4294967294 nor a user here"},
        {{"-o", "uid=-1", "a", "m"},
         "option uid: '-1' is neither a number from 0 to 4294967294 nor a user here"},
        {{"-o", "gid=4294967295", "a", "m"},
         "option gid: '4294967295' is not a number from 0 to 4294967294"},
        {{"-o", "gid=", "a", "m"},
         "option gid: '' is neither a number from 0 to 4294967294 nor a group here"},
        {{"-o", "umask=8", "a", "m"}, "option umask: '8' is not an octal number *"},
        {{"-o", "umask=1000", "a", "m"}, "option umask: '1000' is not an octal number *"},
        {{"-o", "uid", "a", "m"}, "*uid*"},
        {{"-o", "fsname", "a", "m"}, "*fsname*"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        char *args[6] = {"arecfs"};
        GError *error = NULL;

        memcpy (args + 1, rows[i].args, sizeof rows[i].args);
        check_error (parse_strv (args, &error), &error, AREC_ERROR_INVALID, rows[i].message);
    }
}

/* A limit is shown in the base in which it is typed. */
static void
test_umask_limit_is_octal (void)
{
    GError *error = NULL;

    check_error (PARSE (&error, "-o", "umask=1000"), &error, AREC_ERROR_INVALID,
                 "option umask: '1000' is not an octal number from 0 to 777");
}

/* --merge=no must not merge: like `-o merge=no` it is refused. */
static void
test_flag_with_value (void)
{
    static const char *const rows[] = {"--merge=no", "--no-push=0", "--foreground=no"};

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecfsOptions) options = PARSE (&error, rows[i]);

        if (options) {
            g_test_message ("%s is accepted", rows[i]);
            g_test_fail();
        }
    }
}

/* ---- mount options ---- */

static void
test_mount_options (void)
{
    static const struct {
        const char *list;
        const char *expected;
    } rows[] = {
        {"", ""},
        {",,", ""},
        {"uid=0", "uid=0\n"},
        {"uid=1000,gid=4294967294,umask=027", "uid=1000\ngid=4294967294\numask=27\n"},
        {"umask=0", "umask=0\n"},
        {"umask=777", "umask=777\n"},
        {"uid=1,uid=2", "uid=2\n"},
        {"allow_other", "allow_other\n"},
        {"fsname=digits", "fsname=digits\n"},
        {"fsname=a=b", "fsname=a=b\n"},
        {"ro,nosuid,suid,nodev,dev,noexec,exec", "mount=nosuid\nmount=suid\n"
                                                 "mount=nodev\nmount=dev\nmount=noexec\n"
                                                 "mount=exec\n"},
        {"sync,async,dirsync,default_permissions,auto_unmount",
         "mount=sync\nmount=async\nmount=dirsync\nmount=default_permissions\n"
         "mount=auto_unmount\n"},
        {"max_read=4096,context=system_u:object_r:x",
         "max_read=4096\nmount=context=system_u:object_r:x\n"},
        /* Names of users and groups that every system has. */
        {"uid=root,gid=root", "uid=0\ngid=0\n"},
        {"uid=daemon,gid=daemon", "uid=1\ngid=1\n"},
        {"fmask=137,dmask=0027", "fmask=137\ndmask=27\n"},
        {"umask=77,dmask=0", "umask=77\ndmask=0\n"},
        /* The last of the two counts. */
        {"rw", "rw\n"},
        {"defaults,rw,nodev", "rw\nmount=nodev\n"},
        {"rw,ro", ""},
        {"ro,rw", "rw\n"},
        {"remount,ro", "remount\n"},
        /* Without effect. */
        {"atime,noatime,diratime,nodiratime,relatime,norelatime,strictatime,nostrictatime,"
         "lazytime,nolazytime,nonempty,silent,iversion,user_id=0,group_id=7",
         ""},
        /* An underscore may stand for a dash, as in the kernel's options. */
        {"cache_size=4K,no_push,names=plain,index_storage_option=in_memory",
         "cache_size=4096\nin_memory\nplain_names\nno_push\n"},
        {"idle-unmount=5,log_level=error", "idle_unmount=5\nlog_level=8\n"},
        /* Options of fstab that are for other programs. */
        {"defaults,auto,noauto,user,nouser,users,owner,group,nofail,_netdev", ""},
        {"user=alice,uhelper=x,nousers,noowner,nogroup,_rnetdev,X-mount.mkdir=0755", ""},
        {"x-systemd.automount,x-systemd.idle-timeout=60,comment=a b", ""},
        {"ro,allow_other,cache-size=256M,noauto", "cache_size=268435456\nallow_other\n"},
        /* A comma of a value is escaped, and so is a backslash. */
        {"fsname=a\\,b", "fsname=a,b\n"},
        {"fsname=a\\\\,dev", "fsname=a\\\nmount=dev\n"},
        {"fsname=\\a\\", "fsname=a\\\n"},
        {"suffix=\\,v,dev", "suffix=,v\nmount=dev\n"},
        {"pattern=*.a\\,b,pattern=c", "pattern=*.a,b\npattern=c\n"},
        {"reader-options=max_parallelism:2\\,readahead_buffer_size:1K",
         "engine.max_parallelism=2\nmax_parallelism=2\nreadahead=1024\n"},
        {"log-file=/tmp/a\\,b", "log_file=/tmp/a,b\n"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecfsOptions) options = PARSE (&error, "-o", rows[i].list);

        check (options, error, rows[i].expected);
    }
}

/* ---- several options ---- */

static void
test_later_wins (void)
{
    static const struct {
        const char *args[4];
        const char *expected;
    } rows[] = {
        {{"--cache-size=1K", "--cache-size=2K"}, "cache_size=2048\n"},
        {{"--cache-size=1K", "--cache-size=auto"}, ""},
        {{"--names=plain", "--names=padded"}, ""},
        {{"--suffix=.a", "-o", "suffix=.b"}, "suffix=.b\n"},
        {{"--max-parallelism=4", "--max-parallelism=auto"}, ""},
        {{"--max-parallelism=4", "--reader-options=max_parallelism:auto"}, ""},
        {{"--log-file=/a", "--log-file=/b"}, "log_file=/b\n"},
        {{"--profile=low-memory", "--profile=batch"},
         "profile=batch\nengine.max_parallelism=2\nmax_parallelism=2\nreadahead=4194304\n"},
        {{"-d", "--log-level=warning"}, "foreground\ndebug\nlog_level=16\n"},
        {{"-o", "fsname=a", "-ofsname=b"}, "fsname=b\n"},
        {{"--cache_size=1K", "--cache_size", "2K"}, "cache_size=2048\n"},
        {{"--no_push"}, "no_push\n"},
        /* These add up. */
        {{"--pattern=*.a", "--pattern=*.b"}, "pattern=*.a\npattern=*.b\n"},
        /* A string sets the values that it names and no others. */
        {{"--max-parallelism=4", "--reader-options=readahead_buffer_size:1K"},
         "engine.max_parallelism=4\nmax_parallelism=4\nreadahead=1024\n"},
        {{"--readahead-buffer-size=1K", "--reader-options=max_parallelism:2"},
         "engine.max_parallelism=2\nmax_parallelism=2\nreadahead=1024\n"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GError) error = NULL;
        const char *args[5] = {rows[i].args[0], rows[i].args[1], rows[i].args[2],
                               rows[i].args[3], NULL};
        g_autoptr (ArecfsOptions) options = parse_with (args, &error);

        check (options, error, rows[i].expected);
    }
}

/* An option by name wins over the profile, wherever either stands, in each of its forms. */
static void
test_names_win_over_profile (void)
{
    static const struct {
        const char *option;
        const char *expected;
    } rows[] = {
        {"--cache-size=1K", "readahead-buffer-size=1048576,max-parallelism=1,cache-size=1024,"
                            "index-storage-option=offloaded"},
        {"--cache-size=auto", "readahead-buffer-size=1048576,max-parallelism=1,"
                              "cache-size=auto,index-storage-option=offloaded"},
        {"--readahead-buffer-size=0", "readahead-buffer-size=0,max-parallelism=1,"
                                      "cache-size=33554432,index-storage-option=offloaded"},
        {"--readahead-buffer-size=auto",
         "readahead-buffer-size=auto,max-parallelism=1,cache-size=33554432,"
         "index-storage-option=offloaded"},
        {"--max-parallelism=7", "readahead-buffer-size=1048576,max-parallelism=7,"
                                "cache-size=33554432,index-storage-option=offloaded"},
        {"--max-parallelism=auto", "readahead-buffer-size=1048576,max-parallelism=auto,"
                                   "cache-size=33554432,index-storage-option=offloaded"},
        {"--index-storage-option=in_memory",
         "readahead-buffer-size=1048576,max-parallelism=1,cache-size=33554432,"
         "index-storage-option=in_memory"},
        {"--reader-options=max_parallelism:auto,readahead_buffer_size:5",
         "readahead-buffer-size=5,max-parallelism=auto,cache-size=33554432,"
         "index-storage-option=offloaded"},
        {"-oindex-storage-option=in_memory,max_parallelism=2",
         "readahead-buffer-size=1048576,max-parallelism=2,cache-size=33554432,"
         "index-storage-option=in_memory"},
    };
    static const char *const profiles[] = {"--profile=low-memory", "-oprofile=low-memory",
                                           "-oro,profile=low-memory,nodev"};

    for (size_t i = 0; i < G_N_ELEMENTS (rows) * G_N_ELEMENTS (profiles); i++) {
        const char *option = rows[i / G_N_ELEMENTS (profiles)].option;
        const char *expected = rows[i / G_N_ELEMENTS (profiles)].expected;
        const char *profile = profiles[i % G_N_ELEMENTS (profiles)];
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecfsOptions) before = PARSE (&error, profile, option);
        g_autoptr (ArecfsOptions) after = PARSE (&error, option, profile);
        g_autofree char *text_before = NULL, *text_after = NULL;

        g_test_message ("%s %s", profile, option);
        g_assert_no_error (error);
        text_before = arecfs_options_reading_text (before);
        text_after = arecfs_options_reading_text (after);
        g_assert_cmpstr (text_before, ==, expected);
        g_assert_cmpstr (text_after, ==, expected);
        /* What the engine gets is made of that, and nothing is set twice. */
        g_assert_cmpuint (before->engine.cache_size, ==, after->engine.cache_size);
        g_assert_cmpuint (before->mount_options->len, ==, after->mount_options->len);
        g_assert_cmpuint (before->mount_options->len, <=, 1);
        g_assert_cmpuint (before->engine.max_parallelism, ==,
                          before->reader.has_max_parallelism ? before->reader.max_parallelism
                                                             : 0);
    }
}

/* The log file is found although the daemon has left its directory. */
static void
test_log_file_is_absolute (void)
{
    g_autofree char *here = g_get_current_dir();
    g_autofree char *expected = g_build_filename (here, "x.log", NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecfsOptions) options = PARSE (&error, "--log-file=x.log");

    g_assert_no_error (error);
    g_assert_cmpstr (options->log_file, ==, expected);
}

static void
test_arguments_are_kept (void)
{
    char *args[] = {"arecfs", "-oro", "--merge", "a", "m", NULL};
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecfsOptions) options = parse_strv (args, &error);

    g_assert_no_error (error);
    g_assert_nonnull (options);
    g_assert_cmpstr (args[1], ==, "-oro");
    g_assert_cmpstr (args[4], ==, "m");
    arecfs_options_free (NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/options/both-forms", test_both_forms);
    g_test_add_func ("/options/errors-of-both-forms", test_errors_of_both_forms);
    g_test_add_func ("/options/size-forms-in-the-error", test_size_forms_in_the_error);
    g_test_add_func ("/options/help", test_help);
    g_test_add_func ("/options/version", test_version);
    g_test_add_func ("/options/short", test_short);
    g_test_add_func ("/options/operands", test_operands);
    g_test_add_func ("/options/usage-errors", test_usage_errors);
    g_test_add_func ("/options/mount-options", test_mount_options);
    g_test_add_func ("/options/later-wins", test_later_wins);
    g_test_add_func ("/options/names-win-over-profile", test_names_win_over_profile);
    g_test_add_func ("/options/log-file-is-absolute", test_log_file_is_absolute);
    g_test_add_func ("/options/arguments-are-kept", test_arguments_are_kept);
    g_test_add_func ("/options/umask-limit-is-octal", test_umask_limit_is_octal);
    g_test_add_func ("/options/flag-with-value", test_flag_with_value);
    g_test_add_func ("/options/files-from", test_files_from);
    return g_test_run();
}
