/* teataja/members/sync.h - lists and regions of the site's files in the database.
 *
 * Segments and other rooms' views read regions and lists from tables; the files
 * are what counts. Every command that opens the database calls members_sync once.
 */
#pragma once

#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/members/member.h"

/* Brings the tables region, region_member, region_name and list in step with
 * regions.yaml and teataja.yaml, in one transaction, and only when they changed.
 * A region whose code became an alias of another hands its members over.
 * ERR_STATE when a region or list is gone from the files but still in use: "regions.yaml
 * has no 'EE007' any more, but 12 members are there; make it an alias of the region
 * in its place". */
int members_sync(const struct members *members, struct err *err);

/* The number of a list of teataja.yaml. ERR_NOT_FOUND: "no list 'fundng'; did
 * you mean 'funding'?". */
int list_find(const struct members *members, const char *slug, int64_t *id, struct err *err);
