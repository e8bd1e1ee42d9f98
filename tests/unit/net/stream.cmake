pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls)
target_sources(test_net_stream PRIVATE
  "${CMAKE_CURRENT_SOURCE_DIR}/support/smtp_server.c"
  "${CMAKE_CURRENT_SOURCE_DIR}/support/certificate.c")
target_link_libraries(test_net_stream PRIVATE PkgConfig::GNUTLS Threads::Threads)
