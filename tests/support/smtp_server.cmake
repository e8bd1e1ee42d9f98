# The scripted server and its certificates, compiled once:
#   include("${CMAKE_CURRENT_SOURCE_DIR}/support/smtp_server.cmake")
#   target_link_libraries(test_x PRIVATE test_smtp_server)
include_guard(GLOBAL)
pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls)
add_library(test_smtp_server OBJECT EXCLUDE_FROM_ALL
  "${CMAKE_CURRENT_LIST_DIR}/smtp_server.c"
  "${CMAKE_CURRENT_LIST_DIR}/smtp_session.c"
  "${CMAKE_CURRENT_LIST_DIR}/smtp_script.c"
  "${CMAKE_CURRENT_LIST_DIR}/smtp_talk.c"
  "${CMAKE_CURRENT_LIST_DIR}/certificate.c")
target_include_directories(test_smtp_server PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
target_link_libraries(test_smtp_server PUBLIC PkgConfig::GNUTLS Threads::Threads)
