# Routes are private to their room.
target_include_directories(test_web_route PRIVATE "${PROJECT_SOURCE_DIR}/src/web")
