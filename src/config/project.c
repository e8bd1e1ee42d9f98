/* projects/<slug>.yaml. */
#include "teataja/config/project.h"

#include <string.h>

#include "image.h"
#include "slug_file.h"
#include "teataja/base/limits.h"

static const struct schema_field logo_fields[] = {
    {.key = "file",
     .type = SCHEMA_PATH,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(project_logo, file),
     .help = "PNG, JPEG or GIF of at most 30 KB; travels inside each letter.",
     .example = "assets/co-funded.png"},
    {.key = "alt",
     .type = SCHEMA_BY_LANGUAGE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(project_logo, alt),
     .max = LIMIT_NAME,
     .help = "What it says, for those who do not see it.",
     .example = "{ et: Kaasrahastanud Euroopa Liit, en: Co-funded by the European Union }"},
};
static const struct schema logo_schema = SCHEMA("logo", struct project_logo, logo_fields);

static const struct schema_field project_fields[] = {
    {.key = "name",
     .type = SCHEMA_BY_LANGUAGE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(project, name),
     .max = LIMIT_NAME,
     .help = "Of the project, in each language or once for all.",
     .example = "South Baltic Creative"},
    {.key = "programme",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(project, programme),
     .max = LIMIT_NAME,
     .help = "That funds it.",
     .example = "Interreg South Baltic"},
    {.key = "number",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(project, number),
     .max = LIMIT_NAME,
     .help = "Of the grant.",
     .example = "STHB.02.01-IP.01-0001/26"},
    {.key = "from",
     .type = SCHEMA_DATE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(project, from),
     .help = "First day of the project.",
     .example = "2026-01-01"},
    {.key = "to",
     .type = SCHEMA_DATE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(project, to),
     .help = "Its last day, as granted.",
     .example = "2027-12-31"},
    {.key = "extended_to",
     .type = SCHEMA_DATE,
     SCHEMA_AT(project, extended_to),
     .help = "Its last day, if it was extended.",
     .example = "2028-06-30"},
    {.key = "partner",
     .type = SCHEMA_BY_LANGUAGE,
     SCHEMA_AT(project, partner),
     .max = LIMIT_NAME,
     .help = "Which partner of the project writes.",
     .example = "{ et: Loomeklaster, en: Creative Cluster }"},
    {.key = "logos",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_LIST,
     SCHEMA_ARRAY(project, logos, logo_count),
     .sub = &logo_schema,
     .help = "The emblem and the programme's logo, in this order."},
    {.key = "notice",
     .type = SCHEMA_LINES_BY_LANGUAGE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(project, notice),
     .max = LIMIT_VALUE,
     .help = "What the funder wants said, in every language of the letters.",
     .example = "\n  et: Kaasrahastanud Euroopa Liit.\n  en: Co-funded by the European Union."},
};
const struct schema project_schema = SCHEMA("projects/<slug>.yaml", struct project, project_fields);

static int check(struct arena *arena, const char *folder, struct project *project,
                 struct report *report, struct err *err)
{
    int rc = 0;

    if (project->from.year && project->to.year && civil_compare(&project->to, &project->from) < 0) {
        yaml_problem(report, project->node, "to", "to: the project ends before it begins");
    }
    if (project->to.year && project->extended_to.year &&
        civil_compare(&project->extended_to, &project->to) <= 0) {
        yaml_problem(report, project->node, "extended_to",
                     "extended_to: an extension ends after the day that was granted");
    }
    for (size_t i = 0; rc == 0 && i < project->logo_count; i++) {
        struct project_logo *logo = &project->logos[i];

        if (logo->file) {
            rc = image_check(arena, folder, logo->file, logo->node, "file", report, &logo->type,
                             err);
        }
    }
    return rc;
}

int project_load(struct arena *arena, const char *folder, const char *name, struct report *report,
                 struct project *out, struct err *err)
{
    size_t before = report_errors(report);
    int rc;

    memset(out, 0, sizeof(*out));
    rc = slug_file_read(arena, folder, "projects", name, &project_schema, report, out, &out->file,
                        &out->slug, err);
    if (rc == 0) {
        rc = check(arena, folder, out, report, err);
    }
    if (rc < 0) {
        return rc;
    }
    return report_errors(report) > before ? report_check(report, err) : 0;
}

const struct civil *project_end(const struct project *project)
{
    return project->extended_to.year ? &project->extended_to : &project->to;
}

bool project_covers(const struct project *project, const struct civil *day)
{
    int64_t days = civil_days(day);

    return days >= civil_days(&project->from) && days <= civil_days(project_end(project));
}
