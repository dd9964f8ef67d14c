#pragma once

namespace paracord::apps {

/// The scheduler's page for people: one file, which needs no other. apps/dashboard.html.
extern const char* const dashboard_page;

}  // namespace paracord::apps
