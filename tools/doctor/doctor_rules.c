#include "doctor/doctor_rules.h"

#include <glib.h>

#define KIB 1024.0
#define MIB (1024.0 * KIB)

/* Of this many decoded bytes a chunk costs next to nothing beside its records. */
#define LARGE_CHUNK (64 * KIB)

/* Larger groups are tried if they have at least this many times the records. */
#define LEAST_ENLARGEMENT 2

/* Transposing is tried in groups of this many records, if this part of them may be messages. */
#define LEAST_TRANSPOSED 64
#define LEAST_MESSAGES 0.9

/* A value is FAIR beyond @fair and the worst grade beyond @worst: above them, or below if it
 * falls when things get worse. */
typedef struct {
    const char *key, *title, *unit;
    double fair, worst;
    bool falls;
    ToolDoctorGrade worst_grade;
    unsigned access; /* for which it matters */
} Rule;

#define SEQUENTIAL TOOL_DOCTOR_FOR_SEQUENTIAL
#define RANDOM TOOL_DOCTOR_FOR_RANDOM
#define BATCH TOOL_DOCTOR_FOR_BATCH
#define LOW_MEMORY TOOL_DOCTOR_FOR_LOW_MEMORY
#define ALL TOOL_DOCTOR_FOR_ALL

/* Thresholds of topics that are there or not, with any value. */
#define ALWAYS_POOR .worst = -1, .worst_grade = TOOL_DOCTOR_POOR
#define ALWAYS_FAIR .fair = -1, .worst = G_MAXDOUBLE, .worst_grade = TOOL_DOCTOR_POOR
#define ALWAYS_NOTE .worst = -1, .worst_grade = TOOL_DOCTOR_NOTE
#define ALWAYS_GOOD .worst = -1, .worst_grade = TOOL_DOCTOR_GOOD

static const Rule rules[TOOL_DOCTOR_N_TOPICS] = {
    [TOOL_DOCTOR_DAMAGE] = {"damage", "damage", "places", ALWAYS_POOR, .access = ALL},
    [TOOL_DOCTOR_MISSING_SHARDS] = {"missing_shards", "shards missing", "shards", ALWAYS_POOR,
                                    .access = ALL},
    [TOOL_DOCTOR_UNEVEN_GROUPS] = {"uneven_groups", "uneven groups", "chunks", ALWAYS_POOR,
                                   .access = ALL},
    [TOOL_DOCTOR_UNEVEN_SHARDS] = {"uneven_shards", "uneven shards", "x", .fair = 2,
                                   .worst = G_MAXDOUBLE, .worst_grade = TOOL_DOCTOR_POOR,
                                   .access = ALL},
    [TOOL_DOCTOR_RANDOM] = {"random", "random access", "x", .fair = 2, .worst = 8,
                            .worst_grade = TOOL_DOCTOR_SLOW, .access = RANDOM},
    [TOOL_DOCTOR_SEQUENTIAL] = {"sequential", "sequential", "x", .fair = 0.5, .worst = 0.125,
                                .falls = true, .worst_grade = TOOL_DOCTOR_SLOW,
                                .access = SEQUENTIAL | BATCH},
    [TOOL_DOCTOR_BATCH] = {"batch", "chunk size", "bytes", .fair = 4 * MIB, .worst = 64 * MIB,
                           .worst_grade = TOOL_DOCTOR_SLOW, .access = BATCH | LOW_MEMORY},
    [TOOL_DOCTOR_INDEX] = {"index_memory", "index memory", "share of the cache", .fair = 0.05,
                           .worst = 0.5, .worst_grade = TOOL_DOCTOR_POOR,
                           .access = RANDOM | LOW_MEMORY},
    [TOOL_DOCTOR_COMPRESSION] = {"compression", "compression", "share saved", .fair = 0.1,
                                 .worst = 0.5, .worst_grade = TOOL_DOCTOR_POOR, .access = ALL},
    [TOOL_DOCTOR_CODEC] = {"codec", "codec", "ratio", .fair = 1.05, .worst = -1, .falls = true,
                           .worst_grade = TOOL_DOCTOR_POOR, .access = ALL},
    [TOOL_DOCTOR_TRANSPOSE] = {"transpose", "transposing", "share saved", .fair = 0.05,
                               .worst = 0.5, .worst_grade = TOOL_DOCTOR_POOR,
                               .access = SEQUENTIAL | BATCH},
    [TOOL_DOCTOR_RECORD] = {"record_size", "record size", "bytes", .fair = MIB,
                            .worst = G_MAXDOUBLE, .worst_grade = TOOL_DOCTOR_POOR,
                            .access = ALL},
    [TOOL_DOCTOR_PADDING] = {"padding", "padding", "share of the file", .fair = 0.1,
                             .worst = 0.5, .worst_grade = TOOL_DOCTOR_POOR, .access = ALL},
    [TOOL_DOCTOR_KIND] = {"kind", "no index", "chunks", ALWAYS_FAIR, .access = ALL},
    [TOOL_DOCTOR_GRAIN] = {"group_size", "group size", "records", ALWAYS_NOTE,
                           .access = RANDOM},
    [TOOL_DOCTOR_OPTIONS] = {"options", "options", "", ALWAYS_NOTE, .access = ALL},
    [TOOL_DOCTOR_SUITS] = {"suits", "suits", "", ALWAYS_GOOD, .access = ALL},
};

static const struct {
    const char *name;
    unsigned weight;
} grades[] = {
    [TOOL_DOCTOR_GOOD] = {"good", 0}, [TOOL_DOCTOR_NOTE] = {"note", 1},
    [TOOL_DOCTOR_FAIR] = {"fair", 2}, [TOOL_DOCTOR_SLOW] = {"slow", 3},
    [TOOL_DOCTOR_POOR] = {"poor", 3},
};

const char *
tool_doctor_rules_grade_name (ToolDoctorGrade grade)
{
    return grades[grade].name;
}

unsigned
tool_doctor_rules_weight (ToolDoctorGrade grade)
{
    return grades[grade].weight;
}

const char *
tool_doctor_rules_key (ToolDoctorTopic topic)
{
    return rules[topic].key;
}

const char *
tool_doctor_rules_title (ToolDoctorTopic topic)
{
    return rules[topic].title;
}

const char *
tool_doctor_rules_unit (ToolDoctorTopic topic)
{
    return rules[topic].unit;
}

bool
tool_doctor_rules_matter (ToolDoctorTopic topic, ToolDoctorAccess access)
{
    return (rules[topic].access & access) != 0;
}

static bool
is_beyond (const Rule *rule, double value, double threshold)
{
    return rule->falls ? value < threshold : value > threshold;
}

ToolDoctorGrade
tool_doctor_rules_grade (ToolDoctorTopic topic, double value)
{
    const Rule *rule = &rules[topic];

    if (is_beyond (rule, value, rule->worst)) {
        return rule->worst_grade;
    }
    return is_beyond (rule, value, rule->fair) ? TOOL_DOCTOR_FAIR : TOOL_DOCTOR_GOOD;
}

double
tool_doctor_rules_random (uint64_t max_records, double us, double one_us)
{
    return max_records <= 1 || us <= 0 || one_us <= 0 ? 1 : us / one_us;
}

double
tool_doctor_rules_sequential (double chunk_size, double mb_s, double large_mb_s)
{
    return chunk_size >= LARGE_CHUNK || mb_s <= 0 || large_mb_s <= 0 ? 1 : mb_s / large_mb_s;
}

double
tool_doctor_rules_saving (double own, double best)
{
    return own <= 0 || best <= 0 ? 0 : MAX (1 - best / own, 0);
}

uint64_t
tool_doctor_rules_group (double record_size, double size, uint64_t most)
{
    uint64_t n = (uint64_t)CLAMP (size / MAX (record_size, 1), 1, (double)most);
    uint64_t unit = 1;

    while (n / unit >= 100) {
        unit *= 10;
    }
    return n / unit * unit;
}

bool
tool_doctor_rules_may_transpose (bool is_transposed, uint64_t max_records, double messages)
{
    return !is_transposed && max_records >= LEAST_TRANSPOSED && messages >= LEAST_MESSAGES;
}

bool
tool_doctor_rules_may_enlarge (double records_per_chunk, uint64_t large)
{
    return (double)large >= LEAST_ENLARGEMENT * records_per_chunk;
}

bool
tool_doctor_rules_is_uneven (uint64_t i, uint64_t n, uint64_t records, uint64_t group_size)
{
    return i + 1 < n ? records != group_size : records > group_size;
}
