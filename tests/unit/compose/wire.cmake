# What goes on the wire is read back by another library.
pkg_check_modules(ETPAN REQUIRED IMPORTED_TARGET libetpan)
target_link_libraries(test_compose_wire PRIVATE PkgConfig::ETPAN)
target_include_directories(test_compose_wire PRIVATE "${PROJECT_SOURCE_DIR}/src/compose")
