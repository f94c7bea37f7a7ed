/*
 * Prints the layout of the types, which must be the same in every version of C++: parts of one
 * program may be compiled with different versions.
 */

#include <cstddef>
#include <iostream>

#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

int main()
{
    std::cout << sizeof(sco::Text) << ' ' << sizeof(sco::Path) << ' ' << sizeof(sco::ByteView) << '\n'
              << sizeof(sco::Job) << ' ' << sizeof(sco::Error) << ' ' << sizeof(sco::CancelToken) << '\n'
              << sizeof(sco::StopToken) << ' ' << sizeof(sco::SaveOptions) << ' '
              << sizeof(sco::WaitOptions) << '\n'
              << sizeof(sco::OutputFile) << ' ' << sizeof(sco::WrittenFile) << ' '
              << sizeof(sco::SavedFile) << ' ' << offsetof(sco::SavedFile, path) << '\n'
              << sizeof(sco::Progress) << ' ' << sizeof(sco::RequestRecord) << '\n'
              << sizeof(sco::CallOptions) << ' ' << offsetof(sco::CallOptions, on_progress) << ' '
              << offsetof(sco::CallOptions, wait) << '\n'
              << sizeof(sco::ClientOptions) << ' ' << offsetof(sco::ClientOptions, on_request) << '\n'
              << sizeof(sco::Client) << ' ' << sizeof(sco::OutputFileDownload) << ' '
              << sizeof(sco::OutputFileStreamBuffer) << ' ' << sizeof(sco::JobWait) << ' '
              << sizeof(sco::JobWaitStep) << '\n';
}
