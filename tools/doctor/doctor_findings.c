#include "doctor/doctor_findings.h"

#include <inttypes.h>
#include <stdarg.h>

/* Decoded bytes of a chunk that a reader decodes at once. */
#define WHOLE_CHUNK (4.0 * 1024 * 1024)

#define MAX_GROUP 10000

/* Bytes of an offloaded index for each chunk. */
#define OFFLOADED_ENTRY 24

static void
finding_free (void *data)
{
    ToolDoctorFinding *finding = data;

    g_free (finding->text);
    g_strfreev (finding->advice);
    g_free (finding->effect);
    g_free (finding);
}

/* ---- words ---- */

/* Takes @us as `25 us`, `0.9 ms`, `1.3 s`. Returns (transfer full). */
static char *
time_text (double us)
{
    return us < 100    ? g_strdup_printf ("%.1f us", us)
           : us < 1000 ? g_strdup_printf ("%.0f us", us)
           : us < 1e6  ? g_strdup_printf ("%.1f ms", us / 1e3)
                       : g_strdup_printf ("%.1f s", us / 1e6);
}

static char *
size_text (double bytes)
{
    return arec_text_size ((uint64_t)bytes);
}

/* `65 % larger`, `12 % smaller`, `as large`. NULL: one of them is not known. */
static char *
effect_text (double own, double other)
{
    double percent = own > 0 && other > 0 ? (other / own - 1) * 100 : 0;

    if (own <= 0 || other <= 0) {
        return NULL;
    }
    return percent >= 0.5    ? g_strdup_printf ("%.0f %% larger", percent)
           : percent <= -0.5 ? g_strdup_printf ("%.0f %% smaller", -percent)
                             : g_strdup ("as large");
}

/* ---- commands ---- */

/* `arec convert ARGUMENTS -o OUT FILES`, of words that end with NULL, and of @more (nullable)
 * after them. Returns (transfer full). */
static char **
command (const GPtrArray *more, const char *file, ...)
{
    g_autoptr (GPtrArray) words = g_ptr_array_new();
    const char *word;
    va_list list;

    va_start (list, file);
    while ((word = va_arg (list, const char *))) {
        g_ptr_array_add (words, g_strdup (word));
    }
    va_end (list);
    for (guint i = 0; more && i < more->len; i++) {
        g_ptr_array_add (words, g_strdup (g_ptr_array_index (more, i)));
    }
    g_ptr_array_add (words, g_strdup (file));
    g_ptr_array_add (words, NULL);
    return (char **)g_ptr_array_free (g_steal_pointer (&words), FALSE);
}

static char **
convert_like (const ToolDoctorCase *one, const ToolDoctorTrial *trial)
{
    return command (trial->arguments, one->file, "arec", "convert", "-o", "OUT", NULL);
}

static char **
convert_with (const ToolDoctorCase *one, const char *name, const char *value)
{
    return command (NULL, one->file, "arec", "convert", "-o", "OUT", name, value, NULL);
}

static char **
mount_with (const ToolDoctorCase *one, const char *name, const char *value)
{
    char **words = command (NULL, one->file, "arecfs", name, value, NULL);
    guint n = g_strv_length (words);

    words = g_renew (char *, words, n + 2);
    words[n] = g_strdup ("MNT");
    words[n + 1] = NULL;
    return words;
}

/* ---- topics ---- */

/* Adds a finding, if @topic matters. Returns it, or NULL. @text  (transfer full). */
static ToolDoctorFinding *
add (GPtrArray *findings, unsigned access, ToolDoctorTopic topic, double value, char *text)
{
    ToolDoctorFinding *finding;

    if (!tool_doctor_rules_matter (topic, access)) {
        g_free (text);
        return NULL;
    }
    finding = g_new0 (ToolDoctorFinding, 1);
    *finding = (ToolDoctorFinding){
        topic, tool_doctor_rules_grade (topic, value), value, text, NULL, NULL};
    g_ptr_array_add (findings, finding);
    return finding;
}

static bool
is_bad (const ToolDoctorFinding *finding)
{
    return finding && finding->grade != TOOL_DOCTOR_GOOD;
}

static const ToolDoctorTrial *
trial_of (const ToolDoctorCase *one, ToolDoctorTrialKind kind)
{
    return &one->trials->trials[kind];
}

static double
record_size (const ToolDoctorCase *one)
{
    const ArecFileInfo *info = &one->facts->info;

    return info->n_records > 0 ? (double)info->decoded_size / (double)info->n_records : 0;
}

static double
records_per_chunk (const ToolDoctorCase *one)
{
    const ArecFileInfo *info = &one->facts->info;

    return info->n_chunks > 0 ? (double)info->n_records / (double)info->n_chunks : 0;
}

static double
chunk_size (const ToolDoctorCase *one)
{
    return record_size (one) * records_per_chunk (one);
}

static double
ratio (const ToolDoctorCase *one)
{
    return one->layout->stored_size > 0
               ? (double)one->layout->decoded_size / (double)one->layout->stored_size
               : 0;
}

static void
find_damage (GPtrArray *findings, const ToolDoctorCase *one)
{
    const ArecFileInfo *info = &one->facts->info;
    g_autofree char *gaps = info->n_gaps > 0 ? arec_file_info_gaps (info) : NULL;
    ToolDoctorFinding *finding;

    if (one->n_damages == 0 && !info->is_recovered && !gaps) {
        return;
    }
    finding =
        add (findings, one->access, TOOL_DOCTOR_DAMAGE, (double)(one->n_damages + info->n_gaps),
             g_strdup (one->damage ? one->damage
                       : gaps      ? gaps
                                   : "the index was damaged or lost"));
    if (finding) {
        finding->advice = command (NULL, one->file, "arec", "repair", "-o", "OUT", NULL);
    }
}

static void
find_uneven_groups (GPtrArray *findings, const ToolDoctorCase *one)
{
    ToolDoctorFinding *finding;

    if (one->facts->info.kind != AREC_KIND_ARRAY_RECORD || one->layout->n_uneven == 0) {
        return;
    }
    finding =
        add (findings, one->access, TOOL_DOCTOR_UNEVEN_GROUPS, (double)one->layout->n_uneven,
             g_strdup_printf ("%" PRIu64 " of %" PRIu64
                              " chunks have other numbers of records than the first: the "
                              "reference reads wrong records",
                              one->layout->n_uneven, one->layout->n_chunks));
    if (finding) {
        finding->advice =
            command (NULL, one->file, "arec", "repair", "--reencode", "-o", "OUT", NULL);
    }
}

static void
find_random (GPtrArray *findings, const ToolDoctorCase *one)
{
    const ToolDoctorTrial *trial = trial_of (one, TOOL_DOCTOR_ONE);
    g_autofree char *record = size_text (record_size (one));
    g_autofree char *stored = size_text (tool_doctor_layout_chunk_size (one->layout));
    g_autofree char *decoded = size_text (chunk_size (one));
    g_autofree char *took = time_text (one->times->random_us);
    g_autofree char *least = time_text (trial->times.random_us);
    ToolDoctorFinding *finding;

    if (one->times->random_us <= 0) {
        return;
    }
    finding = add (
        findings, one->access, TOOL_DOCTOR_RANDOM,
        tool_doctor_rules_random (one->layout->max_records, one->times->random_us,
                                  trial->times.random_us),
        one->layout->max_records > 1
            ? g_strdup_printf ("a record of %s costs a chunk: %s read, %s decoded, %s "
                               "(group_size:1: about %s)",
                               record, stored, decoded, took, least)
            : g_strdup_printf ("a record of %s is a chunk: %s read, %s", record, stored, took));
    if (is_bad (finding)) {
        finding->advice = convert_like (one, trial);
        finding->effect = effect_text (trial_of (one, TOOL_DOCTOR_OWN)->size, trial->size);
    }
}

static void
find_sequential (GPtrArray *findings, const ToolDoctorCase *one)
{
    const ToolDoctorTrial *trial = trial_of (one, TOOL_DOCTOR_LARGE);
    double value =
        tool_doctor_rules_sequential (chunk_size (one), one->times->mb_s, trial->times.mb_s);
    g_autofree char *larger =
        value < 1 ? g_strdup_printf (" (%s: %.0f MB/s)", trial->label, trial->times.mb_s)
                  : g_strdup ("");
    ToolDoctorFinding *finding;

    if (one->times->mb_s <= 0) {
        return;
    }
    finding = add (findings, one->access, TOOL_DOCTOR_SEQUENTIAL, value,
                   g_strdup_printf ("%.0f MB/s on one thread%s", one->times->mb_s, larger));
    if (is_bad (finding)) {
        finding->advice = convert_like (one, trial);
        finding->effect = effect_text (trial_of (one, TOOL_DOCTOR_OWN)->size, trial->size);
    }
}

static void
find_batch (GPtrArray *findings, const ToolDoctorCase *one)
{
    g_autofree char *largest = size_text ((double)one->layout->max_decoded);
    ToolDoctorFinding *finding =
        add (findings, one->access, TOOL_DOCTOR_BATCH, (double)one->layout->max_decoded, NULL);
    uint64_t group = tool_doctor_rules_group (record_size (one), WHOLE_CHUNK / 2, MAX_GROUP);
    g_autofree char *text = g_strdup_printf ("%" PRIu64, group);

    if (!is_bad (finding)) {
        if (finding) {
            finding->text =
                g_strdup_printf ("at most %s decoded: each is decoded at once", largest);
        }
        return;
    }
    finding->text = g_strdup_printf ("up to %s decoded: a reader decodes it from front to end "
                                     "as it needs it, and needs that memory",
                                     largest);
    if (one->layout->max_records > group) {
        finding->advice = convert_with (one, "--group-size", text);
    }
}

static void
find_index (GPtrArray *findings, const ToolDoctorCase *one)
{
    const ArecFileInfo *info = &one->facts->info;
    uint64_t offloaded = info->index_offloaded_size;
    g_autofree char *memory = size_text ((double)info->index_size);
    g_autofree char *disk =
        size_text ((double)(offloaded > 0 ? offloaded : info->n_chunks * OFFLOADED_ENTRY));
    ToolDoctorFinding *finding =
        add (findings, one->access, TOOL_DOCTOR_INDEX,
             (double)info->index_size / (double)MAX (one->cache_size, 1),
             g_strdup_printf ("%s in memory; %s %s on disk, 1 read an access", memory,
                              offloaded > 0 ? "it is offloaded," : "offloaded", disk));

    if (is_bad (finding)) {
        finding->advice = mount_with (one, "--index-storage-option", "offloaded");
    }
}

/* Trials that save space and matter for @access: larger groups make random reads slow. */
static bool
is_candidate (const ToolDoctorCase *one, int kind)
{
    bool is_large = kind == TOOL_DOCTOR_LARGE || kind == TOOL_DOCTOR_ARCHIVE;

    return trial_of (one, kind)->size > 0 &&
           (kind == TOOL_DOCTOR_ZSTD || kind == TOOL_DOCTOR_BROTLI ||
            (is_large && (one->access & ~(unsigned)TOOL_DOCTOR_FOR_RANDOM)));
}

static const ToolDoctorTrial *
find_smallest (const ToolDoctorCase *one, GString *text)
{
    const ToolDoctorTrial *own = trial_of (one, TOOL_DOCTOR_OWN), *best = NULL;

    for (int i = 0; i < TOOL_DOCTOR_N_TRIALS; i++) {
        const ToolDoctorTrial *trial = trial_of (one, (ToolDoctorTrialKind)i);

        if (is_candidate (one, i)) {
            g_string_append_printf (text, "%s%s %.2f",
                                    text->len > 0 ? ", " : "; same records: ", trial->label,
                                    ratio (one) * own->size / trial->size);
            best = !best || trial->size < best->size ? trial : best;
        }
    }
    return best;
}

/* Where nothing saves more, a codec that saves nothing only takes time. */
static void
find_codec (GPtrArray *findings, const ToolDoctorCase *one)
{
    ToolDoctorFinding *finding;

    if (one->facts->codec == AREC_CODEC_NONE || ratio (one) <= 0 ||
        tool_doctor_rules_grade (TOOL_DOCTOR_CODEC, ratio (one)) == TOOL_DOCTOR_GOOD) {
        return;
    }
    finding =
        add (findings, one->access, TOOL_DOCTOR_CODEC, ratio (one),
             g_strdup_printf ("%s saves next to nothing (%.2f): uncompressed, or snappy, is "
                              "faster",
                              arec_codec_text (one->facts->codec), ratio (one)));
    if (finding) {
        finding->advice = convert_with (one, "--codec", "uncompressed");
    }
}

static void
find_compression (GPtrArray *findings, const ToolDoctorCase *one)
{
    g_autoptr (GString) others = g_string_new (NULL);
    const ToolDoctorTrial *own = trial_of (one, TOOL_DOCTOR_OWN);
    const ToolDoctorTrial *best = find_smallest (one, others);
    ToolDoctorFinding *finding;

    if (own->size <= 0 || ratio (one) <= 0) {
        return;
    }
    finding = add (findings, one->access, TOOL_DOCTOR_COMPRESSION,
                   tool_doctor_rules_saving (own->size, best ? best->size : 0),
                   g_strdup_printf ("%s %.2f%s",
                                    one->facts->codec == AREC_CODEC_NONE
                                        ? "uncompressed"
                                        : arec_codec_text (one->facts->codec),
                                    ratio (one), others->str));
    if (is_bad (finding)) {
        finding->advice = convert_like (one, best);
        finding->effect = effect_text (own->size, best->size);
    } else {
        find_codec (findings, one);
    }
}

static void
find_transposing (GPtrArray *findings, const ToolDoctorCase *one)
{
    const ToolDoctorTrial *own = trial_of (one, TOOL_DOCTOR_OWN);
    const ToolDoctorTrial *trial = trial_of (one, TOOL_DOCTOR_TRANSPOSED);
    double saving = tool_doctor_rules_saving (own->size, trial->size);
    ToolDoctorFinding *finding;

    if (own->size <= 0 || trial->size <= 0) {
        return;
    }
    finding = add (findings, one->access, TOOL_DOCTOR_TRANSPOSE, saving,
                   g_strdup_printf ("the records look like protocol buffers; transposed they "
                                    "take %.0f %% less",
                                    saving * 100));
    if (is_bad (finding)) {
        finding->advice = convert_like (one, trial);
        finding->effect = effect_text (own->size, trial->size);
    }
}

static void
find_large_records (GPtrArray *findings, const ToolDoctorCase *one)
{
    g_autofree char *size = size_text (record_size (one));
    ToolDoctorFinding *finding;

    if (one->layout->max_records <= 1 ||
        tool_doctor_rules_grade (TOOL_DOCTOR_RECORD, record_size (one)) == TOOL_DOCTOR_GOOD) {
        return;
    }
    finding = add (findings, one->access, TOOL_DOCTOR_RECORD, record_size (one),
                   g_strdup_printf ("a record has %s: grouping %" PRIu64
                                    " of them saves nothing, and each costs all",
                                    size, one->layout->max_records));
    if (finding) {
        finding->advice = convert_with (one, "--group-size", "1");
    }
}

static void
find_padding (GPtrArray *findings, const ToolDoctorCase *one)
{
    double share = tool_doctor_layout_padding (one->layout);
    ArecWriterOptions plain = one->own;
    g_autofree char *options = NULL;
    ToolDoctorFinding *finding;

    if (tool_doctor_rules_grade (TOOL_DOCTOR_PADDING, share) == TOOL_DOCTOR_GOOD) {
        return;
    }
    plain.pad_to_block_boundary = false;
    options = arec_writer_options_to_string (&plain);
    finding = add (
        findings, one->access, TOOL_DOCTOR_PADDING, share,
        g_strdup_printf ("%.0f %% of the file is padding to blocks of 64 KiB", share * 100));
    if (finding) {
        finding->advice = convert_with (one, "--options", options);
        finding->effect = g_strdup_printf ("%.0f %% smaller", share * 100);
    }
}

static void
find_kind (GPtrArray *findings, const ToolDoctorCase *one)
{
    const ArecFileInfo *info = &one->facts->info;
    ToolDoctorFinding *finding;

    if (info->kind != AREC_KIND_RIEGELI) {
        return;
    }
    finding =
        add (findings, one->access, TOOL_DOCTOR_KIND, (double)info->n_chunks,
             g_strdup ("plain Riegeli/records: whoever opens it reads from chunk to chunk "
                       "through the whole file"));
    if (finding) {
        finding->advice = command (NULL, one->file, "arec", "convert", "-o", "OUT", NULL);
    }
}

static void
find_grain (GPtrArray *findings, const ToolDoctorCase *one)
{
    ToolDoctorFinding *finding;

    if (one->facts->info.kind != AREC_KIND_ARRAY_RECORD || one->layout->max_records <= 1) {
        return;
    }
    finding = add (findings, one->access, TOOL_DOCTOR_GRAIN, (double)one->layout->max_records,
                   g_strdup_printf ("%" PRIu64 " records a chunk; Grain reads at random, and "
                                    "wants group_size:1",
                                    one->layout->max_records));
    if (finding) {
        finding->advice = convert_with (one, "--group-size", "1");
    }
}

static void
find_options (GPtrArray *findings, const ToolDoctorCase *one)
{
    const ArecFileInfo *info = &one->facts->info;
    ToolDoctorFinding *finding;

    if (info->options || info->kind != AREC_KIND_ARRAY_RECORD) {
        return;
    }
    finding = add (findings, one->access, TOOL_DOCTOR_OPTIONS, 0,
                   g_strdup ("the file does not say with which options it was written"));
    if (finding) {
        finding->advice = command (NULL, one->file, "arec", "convert", "-o", "OUT", NULL);
    }
}

/* ---- the whole ---- */

static ToolDoctorGrade
grade_of (const GPtrArray *findings, ToolDoctorTopic topic)
{
    for (guint i = 0; i < findings->len; i++) {
        const ToolDoctorFinding *finding = g_ptr_array_index (findings, i);

        if (finding->topic == topic) {
            return finding->grade;
        }
    }
    return TOOL_DOCTOR_GOOD;
}

/* The reader's profile that suits the layout. */
static const char *
choose_profile (const GPtrArray *findings, const ToolDoctorCase *one)
{
    bool is_random = grade_of (findings, TOOL_DOCTOR_RANDOM) == TOOL_DOCTOR_GOOD;
    bool is_sequential = grade_of (findings, TOOL_DOCTOR_SEQUENTIAL) == TOOL_DOCTOR_GOOD;

    return one->profile                 ? one->profile
           : is_random && is_sequential ? "mixed"
           : is_random                  ? "random"
                                        : "sequential";
}

static void
find_profile (GPtrArray *findings, const ToolDoctorCase *one)
{
    const char *name = choose_profile (findings, one);
    const ArecProfile *profile = arec_profile_find (name, AREC_PROFILE_READER);
    ToolDoctorFinding *finding =
        add (findings, one->access, TOOL_DOCTOR_SUITS, 0,
             g_strdup_printf ("profile %s: %s", name, profile->reader));

    finding->advice = mount_with (one, "--profile", name);
}

static int
compare (const void *a, const void *b)
{
    const ToolDoctorFinding *x = *(ToolDoctorFinding *const *)a;
    const ToolDoctorFinding *y = *(ToolDoctorFinding *const *)b;
    int order =
        (int)tool_doctor_rules_weight (y->grade) - (int)tool_doctor_rules_weight (x->grade);

    return order != 0 ? order : (int)x->topic - (int)y->topic;
}

GPtrArray *
tool_doctor_findings_new (const ToolDoctorCase *one)
{
    static void (*const rules[]) (GPtrArray *, const ToolDoctorCase *) = {
        find_damage, find_uneven_groups, find_random,      find_sequential,    find_batch,
        find_index,  find_compression,   find_transposing, find_large_records, find_padding,
        find_kind,   find_grain,         find_options,     find_profile,
    };
    GPtrArray *findings = g_ptr_array_new_with_free_func (finding_free);

    if (one->layout->n_records == 0) {
        find_kind (findings, one);
        find_options (findings, one);
    }
    for (size_t i = 0; one->layout->n_records > 0 && i < G_N_ELEMENTS (rules); i++) {
        rules[i](findings, one);
    }
    g_ptr_array_sort (findings, compare);
    return findings;
}

/* The set written anew: its pattern names all files of it. */
static char **
convert_set (const ToolDoctorSet *set)
{
    g_autofree char *n = g_strdup_printf ("%" PRIu64, set->n_total);

    return command (NULL, set->pattern, "arec", "convert", "-o", "OUT", "--shards", n, NULL);
}

GPtrArray *
tool_doctor_findings_new_of_set (const ToolDoctorSet *set)
{
    GPtrArray *findings = g_ptr_array_new_with_free_func (finding_free);
    double value = (double)set->most / (double)MAX (set->least, 1);
    g_autofree char *least = size_text ((double)set->least);
    g_autofree char *most = size_text ((double)set->most);
    ToolDoctorFinding *finding;

    if (set->reason) {
        finding = add (
            findings, TOOL_DOCTOR_FOR_ALL, TOOL_DOCTOR_MISSING_SHARDS,
            (double)set->n_total - (double)set->n_there,
            g_strdup_printf ("%s; get it again, or make a set of what is there", set->reason));
        finding->advice = convert_set (set);
    }
    if (tool_doctor_rules_grade (TOOL_DOCTOR_UNEVEN_SHARDS, value) != TOOL_DOCTOR_GOOD) {
        finding =
            add (findings, TOOL_DOCTOR_FOR_ALL, TOOL_DOCTOR_UNEVEN_SHARDS, value,
                 g_strdup_printf ("from %s to %s: readers of the small ones wait for those "
                                  "of the large ones",
                                  least, most));
        finding->advice = convert_set (set);
    }
    g_ptr_array_sort (findings, compare);
    return findings;
}
