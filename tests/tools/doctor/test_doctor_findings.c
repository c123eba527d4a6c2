/* Findings of made-up numbers: which there are, in which order, with which commands. */
#include "doctor/doctor_findings.h"

#include "doctor/doctor_words.h"

#define KIB UINT64_C (1024)
#define MIB (1024 * KIB)

/* 1000 records of 4 KiB in groups of 100, which nothing is wrong with. */
typedef struct {
    ToolFileFacts facts;
    ToolDoctorLayout layout;
    ToolDoctorTimes times;
    ToolDoctorTrials trials;
    ToolDoctorCase one;
} Made;

static void
make (Made *made)
{
    *made = (Made){
        .facts = {.info = {.path = "x",
                           .kind = AREC_KIND_ARRAY_RECORD,
                           .file_size = 2000 * KIB,
                           .n_records = 1000,
                           .n_chunks = 10,
                           .group_size = 100,
                           .decoded_size = 4000 * KIB,
                           .index_size = 40,
                           .options = "group_size:100",
                           .end_record = 1000},
                  .codec = AREC_CODEC_ZSTD},
        .layout = {.n_records = 1000,
                   .n_chunks = 10,
                   .decoded_size = 4000 * KIB,
                   .stored_size = 2000 * KIB,
                   .max_records = 100,
                   .max_decoded = 400 * KIB},
        .times = {.random_us = 15, .mb_s = 500},
    };
    made->layout.places = g_array_new (FALSE, FALSE, sizeof (ToolDoctorPlace));
    made->layout.reads = g_array_new (FALSE, FALSE, sizeof (ToolDoctorRead));
    arec_writer_options_init (&made->one.own);
    made->one.own.group_size = 100;
    tool_doctor_trials_plan (&made->trials, &made->one.own, 4096, 100, false);
    for (int i = 0; i < TOOL_DOCTOR_N_TRIALS; i++) {
        made->trials.trials[i].size = made->trials.trials[i].label ? 1000 : 0;
    }
    made->trials.trials[TOOL_DOCTOR_ONE].times.random_us = 10;
    made->one.file = "x";
    made->one.facts = &made->facts;
    made->one.layout = &made->layout;
    made->one.times = &made->times;
    made->one.trials = &made->trials;
    made->one.cache_size = 32 * MIB;
    made->one.access = TOOL_DOCTOR_FOR_ALL;
}

static void
made_clear (Made *made)
{
    tool_doctor_layout_clear (&made->layout);
    tool_doctor_trials_clear (&made->trials);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Made, made_clear)

/* `KEY GRADE [COMMAND]`, a line each. */
static char *
tell (const Made *made)
{
    g_autoptr (GPtrArray) findings = tool_doctor_findings_new (&made->one);
    GString *text = g_string_new (NULL);

    for (guint i = 0; i < findings->len; i++) {
        const ToolDoctorFinding *finding = g_ptr_array_index (findings, i);
        g_autofree char *command =
            finding->advice ? tool_doctor_words_join (finding->advice) : g_strdup ("-");

        g_assert_nonnull (finding->text);
        g_string_append_printf (text, "%s %s %s\n", tool_doctor_rules_key (finding->topic),
                                tool_doctor_rules_grade_name (finding->grade), command);
    }
    return g_string_free (text, FALSE);
}

#define CHECK(made, expected)                                                                  \
    G_STMT_START                                                                               \
    {                                                                                          \
        g_autofree char *found = tell (made);                                                  \
        g_assert_cmpstr (found, ==, expected);                                                 \
    }                                                                                          \
    G_STMT_END

#define GRAIN "group_size note arec convert -o OUT --group-size 1 x\n"
#define SUITS(profile) "suits good arecfs --profile " profile " x MNT\n"

static void
test_nothing_is_wrong (void)
{
    g_auto (Made) made = {0};

    make (&made);
    CHECK (&made, GRAIN "random good -\nsequential good -\nbatch good -\nindex_memory good -\n"
                        "compression good -\n" SUITS ("mixed"));
}

static void
test_the_worst_comes_first (void)
{
    g_auto (Made) made = {0};

    make (&made);
    made.times.random_us = 81;
    made.layout.max_decoded = 5 * MIB;
    made.layout.max_records = 1200;
    made.layout.n_uneven = 1;
    made.one.n_damages = 1;
    made.one.damage = "x: at 5: it is broken";
    made.facts.info.index_size = 2 * MIB;
    made.trials.trials[TOOL_DOCTOR_BROTLI].size = 700;
    CHECK (&made, "damage poor arec repair -o OUT x\n"
                  "uneven_groups poor arec repair --reencode -o OUT x\n"
                  "random slow arec convert -o OUT --profile random x\n"
                  "batch fair arec convert -o OUT --group-size 510 x\n"
                  "index_memory fair arecfs --index-storage-option offloaded x MNT\n"
                  "compression fair arec convert -o OUT --codec brotli:9 x\n" GRAIN
                  "sequential good -\n" SUITS ("sequential"));
}

static void
test_access (void)
{
    g_auto (Made) made = {0};

    make (&made);
    made.times.random_us = 81;
    made.trials.trials[TOOL_DOCTOR_ARCHIVE].size = 700;
    made.one.access = TOOL_DOCTOR_FOR_RANDOM;
    made.one.profile = "random";
    CHECK (&made, "random slow arec convert -o OUT --profile random x\n" GRAIN
                  "index_memory good -\ncompression good -\n" SUITS ("random"));
    made.one.access = TOOL_DOCTOR_FOR_LOW_MEMORY;
    made.one.profile = "low-memory";
    CHECK (&made, "compression fair arec convert -o OUT --group-size 250 --codec brotli:9 x\n"
                  "batch good -\nindex_memory good -\n" SUITS ("low-memory"));
}

/* Of which no record could be read. */
static void
test_nothing_was_measured (void)
{
    g_auto (Made) made = {0};

    make (&made);
    made.times = (ToolDoctorTimes){0};
    tool_doctor_trials_clear (&made.trials);
    made.trials = (ToolDoctorTrials){0};
    CHECK (&made, GRAIN "batch good -\nindex_memory good -\n" SUITS ("mixed"));
}

static void
test_a_plain_file (void)
{
    g_auto (Made) made = {0};

    make (&made);
    made.facts.info.kind = AREC_KIND_RIEGELI;
    made.facts.info.options = NULL;
    made.layout.n_uneven = 3;
    made.one.access = TOOL_DOCTOR_FOR_SEQUENTIAL;
    made.one.profile = "sequential";
    CHECK (&made, "kind fair arec convert -o OUT x\nsequential good -\n"
                  "compression good -\n" SUITS ("sequential"));
}

/* ---- sets ---- */

static void
test_sets (void)
{
    static const struct {
        uint64_t least, most;
        const char *reason;
        const char *found;
    } rows[] = {
        {100, 200, NULL, ""},
        {100, 201, NULL, "uneven_shards fair"},
        {100, 100, "1 shard is missing", "missing_shards poor"},
        {0, 100, "1 shard is missing", "missing_shards poor,uneven_shards fair"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        char pattern[] = "t-*-of-00003";
        const ToolDoctorSet set = {.pattern = pattern,
                                   .n_there = 2,
                                   .n_total = 3,
                                   .least = rows[i].least,
                                   .most = rows[i].most,
                                   .reason = rows[i].reason};
        g_autoptr (GPtrArray) findings = tool_doctor_findings_new_of_set (&set);
        g_autoptr (GString) text = g_string_new (NULL);

        for (guint k = 0; k < findings->len; k++) {
            const ToolDoctorFinding *finding = g_ptr_array_index (findings, k);
            g_autofree char *command = tool_doctor_words_join (finding->advice);

            g_string_append_printf (text, "%s%s %s", k > 0 ? "," : "",
                                    tool_doctor_rules_key (finding->topic),
                                    tool_doctor_rules_grade_name (finding->grade));
            g_assert_cmpstr (command, ==, "arec convert -o OUT --shards 3 't-*-of-00003'");
        }
        g_assert_cmpstr (text->str, ==, rows[i].found);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/doctor_findings/nothing-is-wrong", test_nothing_is_wrong);
    g_test_add_func ("/doctor_findings/the-worst-comes-first", test_the_worst_comes_first);
    g_test_add_func ("/doctor_findings/access", test_access);
    g_test_add_func ("/doctor_findings/nothing-was-measured", test_nothing_was_measured);
    g_test_add_func ("/doctor_findings/a-plain-file", test_a_plain_file);
    g_test_add_func ("/doctor_findings/sets", test_sets);
    return g_test_run();
}
