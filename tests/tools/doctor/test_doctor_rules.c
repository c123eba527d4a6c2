/* Every threshold: the value at it, and the next one beyond it. */
#include "doctor/doctor_rules.h"

#include <glib.h>

#define KIB 1024.0
#define MIB (1024.0 * KIB)

typedef struct {
    ToolDoctorTopic topic;
    double value;
    ToolDoctorGrade grade;
} Row;

static const Row rows[] = {
    {TOOL_DOCTOR_RANDOM, 1, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_RANDOM, 2, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_RANDOM, 2.01, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_RANDOM, 8, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_RANDOM, 8.01, TOOL_DOCTOR_SLOW},
    {TOOL_DOCTOR_SEQUENTIAL, 1.5, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_SEQUENTIAL, 0.5, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_SEQUENTIAL, 0.499, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_SEQUENTIAL, 0.125, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_SEQUENTIAL, 0.1249, TOOL_DOCTOR_SLOW},
    {TOOL_DOCTOR_BATCH, 4 * MIB, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_BATCH, 4 * MIB + 1, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_BATCH, 64 * MIB, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_BATCH, 64 * MIB + 1, TOOL_DOCTOR_SLOW},
    {TOOL_DOCTOR_INDEX, 0.05, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_INDEX, 0.0501, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_INDEX, 0.5, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_INDEX, 0.51, TOOL_DOCTOR_POOR},
    {TOOL_DOCTOR_COMPRESSION, 0, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_COMPRESSION, 0.1, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_COMPRESSION, 0.101, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_COMPRESSION, 0.5, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_COMPRESSION, 0.501, TOOL_DOCTOR_POOR},
    {TOOL_DOCTOR_CODEC, 1.05, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_CODEC, 1.0499, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_CODEC, 0, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_TRANSPOSE, 0.05, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_TRANSPOSE, 0.051, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_TRANSPOSE, 0.501, TOOL_DOCTOR_POOR},
    {TOOL_DOCTOR_RECORD, MIB, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_RECORD, MIB + 1, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_PADDING, 0.1, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_PADDING, 0.101, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_PADDING, 0.501, TOOL_DOCTOR_POOR},
    {TOOL_DOCTOR_UNEVEN_SHARDS, 2, TOOL_DOCTOR_GOOD},
    {TOOL_DOCTOR_UNEVEN_SHARDS, 2.01, TOOL_DOCTOR_FAIR},
    /* What is there or not. */
    {TOOL_DOCTOR_DAMAGE, 0, TOOL_DOCTOR_POOR},
    {TOOL_DOCTOR_MISSING_SHARDS, 1, TOOL_DOCTOR_POOR},
    {TOOL_DOCTOR_UNEVEN_GROUPS, 1, TOOL_DOCTOR_POOR},
    {TOOL_DOCTOR_KIND, 0, TOOL_DOCTOR_FAIR},
    {TOOL_DOCTOR_GRAIN, 2, TOOL_DOCTOR_NOTE},
    {TOOL_DOCTOR_OPTIONS, 0, TOOL_DOCTOR_NOTE},
    {TOOL_DOCTOR_SUITS, 0, TOOL_DOCTOR_GOOD},
};

static void
test_thresholds (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ToolDoctorGrade grade = tool_doctor_rules_grade (rows[i].topic, rows[i].value);

        g_test_message ("%s %g", tool_doctor_rules_key (rows[i].topic), rows[i].value);
        g_assert_cmpint (grade, ==, rows[i].grade);
    }
}

/* Each topic has words, a case above, and matters for something. */
static void
test_topics_are_whole (void)
{
    for (int topic = 0; topic < TOOL_DOCTOR_N_TOPICS; topic++) {
        bool is_tested = false;

        g_assert_cmpstr (tool_doctor_rules_key ((ToolDoctorTopic)topic), !=, NULL);
        g_assert_cmpstr (tool_doctor_rules_title ((ToolDoctorTopic)topic), !=, NULL);
        g_assert_cmpstr (tool_doctor_rules_unit ((ToolDoctorTopic)topic), !=, NULL);
        g_assert_true (tool_doctor_rules_matter ((ToolDoctorTopic)topic, TOOL_DOCTOR_FOR_ALL));
        for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
            is_tested = is_tested || (int)rows[i].topic == topic;
        }
        g_assert_true (is_tested);
    }
}

static void
test_weights (void)
{
    static const char *const names[] = {"good", "note", "fair", "slow", "poor"};

    for (int grade = TOOL_DOCTOR_GOOD; grade <= TOOL_DOCTOR_POOR; grade++) {
        g_assert_cmpstr (tool_doctor_rules_grade_name ((ToolDoctorGrade)grade), ==,
                         names[grade]);
    }
    g_assert_cmpuint (tool_doctor_rules_weight (TOOL_DOCTOR_SLOW), ==,
                      tool_doctor_rules_weight (TOOL_DOCTOR_POOR));
    g_assert_cmpuint (tool_doctor_rules_weight (TOOL_DOCTOR_SLOW), >,
                      tool_doctor_rules_weight (TOOL_DOCTOR_FAIR));
    g_assert_cmpuint (tool_doctor_rules_weight (TOOL_DOCTOR_FAIR), >,
                      tool_doctor_rules_weight (TOOL_DOCTOR_NOTE));
    g_assert_cmpuint (tool_doctor_rules_weight (TOOL_DOCTOR_NOTE), >,
                      tool_doctor_rules_weight (TOOL_DOCTOR_GOOD));
}

static void
test_access (void)
{
    g_assert_true (tool_doctor_rules_matter (TOOL_DOCTOR_RANDOM, TOOL_DOCTOR_FOR_RANDOM));
    g_assert_false (tool_doctor_rules_matter (TOOL_DOCTOR_RANDOM, TOOL_DOCTOR_FOR_SEQUENTIAL));
    g_assert_false (tool_doctor_rules_matter (TOOL_DOCTOR_BATCH, TOOL_DOCTOR_FOR_RANDOM));
    g_assert_true (tool_doctor_rules_matter (TOOL_DOCTOR_BATCH, TOOL_DOCTOR_FOR_LOW_MEMORY));
    for (int bit = 0; bit < 4; bit++) {
        g_assert_true (
            tool_doctor_rules_matter (TOOL_DOCTOR_DAMAGE, (ToolDoctorAccess)(1 << bit)));
    }
}

static void
test_values (void)
{
    /* In groups of one no time counts, and what was not measured does not. */
    g_assert_cmpfloat (tool_doctor_rules_random (1, 100, 10), ==, 1);
    g_assert_cmpfloat (tool_doctor_rules_random (2, 100, 10), ==, 10);
    g_assert_cmpfloat (tool_doctor_rules_random (2, 100, 0), ==, 1);
    g_assert_cmpfloat (tool_doctor_rules_random (2, 0, 10), ==, 1);
    /* Nor in chunks of 64 KiB. */
    g_assert_cmpfloat (tool_doctor_rules_sequential (64 * KIB, 10, 100), ==, 1);
    g_assert_cmpfloat (tool_doctor_rules_sequential (64 * KIB - 1, 10, 100), ==, 0.1);
    g_assert_cmpfloat (tool_doctor_rules_sequential (10, 10, 0), ==, 1);
    g_assert_cmpfloat (tool_doctor_rules_sequential (10, 0, 10), ==, 1);
    g_assert_cmpfloat (tool_doctor_rules_saving (100, 25), ==, 0.75);
    g_assert_cmpfloat (tool_doctor_rules_saving (100, 125), ==, 0);
    g_assert_cmpfloat (tool_doctor_rules_saving (0, 25), ==, 0);
    g_assert_cmpfloat (tool_doctor_rules_saving (100, 0), ==, 0);
}

static void
test_groups (void)
{
    g_assert_cmpuint (tool_doctor_rules_group (4096, MIB, 1000), ==, 250);
    g_assert_cmpuint (tool_doctor_rules_group (10, MIB, 1000), ==, 1000);
    g_assert_cmpuint (tool_doctor_rules_group (0, MIB, 1000), ==, 1000);
    g_assert_cmpuint (tool_doctor_rules_group (2 * MIB, MIB, 1000), ==, 1);
    g_assert_cmpuint (tool_doctor_rules_group (1, 12345, 100000), ==, 12000);
    g_assert_true (tool_doctor_rules_may_enlarge (1, 2));
    g_assert_false (tool_doctor_rules_may_enlarge (1.01, 2));
}

static void
test_transposing (void)
{
    g_assert_true (tool_doctor_rules_may_transpose (false, 64, 0.9));
    g_assert_false (tool_doctor_rules_may_transpose (true, 64, 0.9));
    g_assert_false (tool_doctor_rules_may_transpose (false, 63, 0.9));
    g_assert_false (tool_doctor_rules_may_transpose (false, 64, 0.89));
}

static void
test_uneven (void)
{
    /* The last chunk may have fewer; one that is not the last must not have more either. */
    g_assert_false (tool_doctor_rules_is_uneven (0, 3, 10, 10));
    g_assert_true (tool_doctor_rules_is_uneven (1, 3, 9, 10));
    g_assert_true (tool_doctor_rules_is_uneven (1, 3, 11, 10));
    g_assert_false (tool_doctor_rules_is_uneven (2, 3, 9, 10));
    g_assert_true (tool_doctor_rules_is_uneven (2, 3, 11, 10));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/doctor_rules/thresholds", test_thresholds);
    g_test_add_func ("/doctor_rules/topics-are-whole", test_topics_are_whole);
    g_test_add_func ("/doctor_rules/weights", test_weights);
    g_test_add_func ("/doctor_rules/access", test_access);
    g_test_add_func ("/doctor_rules/values", test_values);
    g_test_add_func ("/doctor_rules/groups", test_groups);
    g_test_add_func ("/doctor_rules/transposing", test_transposing);
    g_test_add_func ("/doctor_rules/uneven", test_uneven);
    return g_test_run();
}
