"""The RPCs about releases: protobuf in, one call of the domain, protobuf out."""

from typing import Any

from kefu.knowledge.v1 import release_pb2 as pb
from kefu.knowledge.v1.release_pb2_grpc import KnowledgeReleaseServiceServicer

from services.knowledge import release_messages as messages
from services.knowledge.catalog import BaseName
from services.knowledge.knowledge import Knowledge
from services.knowledge.messages import knowledge_base_to, which_from
from services.knowledge.release import DEFAULT_REQUIRED_SHARE
from services.knowledge.releasing import Releases, Wish
from services.mesh.calls import annotate, current


class KnowledgeReleaseServicer(KnowledgeReleaseServiceServicer):
    """Serves `kefu.knowledge.v1.KnowledgeReleaseService`; the contract describes its methods."""

    def __init__(self, releases: Releases, knowledge: Knowledge) -> None:
        """Serve these releases."""
        self._releases = releases
        self._knowledge = knowledge

    async def PublishKnowledgeBase(
        self, request: pb.PublishKnowledgeBaseRequest, context: Any
    ) -> pb.PublishKnowledgeBaseResponse:
        """Make the draft a revision and put it live, or say what would come of it."""
        base = BaseName.parse(request.name)
        if request.validate_only:
            await self._knowledge.base(base)
            report = await self._releases.validate(base)
            return pb.PublishKnowledgeBaseResponse(
                report=messages.report_to(base, report) if report else None,
                refused=report is not None and not report.enough,
            )
        wish = Wish(request.request_id, request.description, current().identity)
        revision, report = await self._releases.publish(base, wish)
        annotate(revision=str(revision.number))
        return pb.PublishKnowledgeBaseResponse(
            revision=messages.revision_to(revision),
            report=messages.report_to(base, report) if report else None,
        )

    async def RollbackKnowledgeBase(
        self, request: pb.RollbackKnowledgeBaseRequest, context: Any
    ) -> pb.RollbackKnowledgeBaseResponse:
        """Put an earlier revision live."""
        number = request.revision if request.HasField("revision") else None
        revision = await self._releases.roll_back(
            BaseName.parse(request.name), number, request.request_id
        )
        annotate(revision=str(revision.number))
        return pb.RollbackKnowledgeBaseResponse(revision=messages.revision_to(revision))

    async def ResetDraft(
        self, request: pb.ResetDraftRequest, context: Any
    ) -> pb.ResetDraftResponse:
        """Undo all edits of the draft."""
        base = BaseName.parse(request.name)
        await self._releases.reset_draft(base, request.request_id)
        return pb.ResetDraftResponse(
            knowledge_base=knowledge_base_to(await self._knowledge.base(base))
        )

    async def ListRevisions(
        self, request: pb.ListRevisionsRequest, context: Any
    ) -> pb.ListRevisionsResponse:
        """List revisions, the newest first."""
        found, token = await self._releases.revisions(
            BaseName.parse(request.parent), request.page_size, request.page_token
        )
        return pb.ListRevisionsResponse(
            revisions=map(messages.revision_to, found), next_page_token=token
        )

    async def TestKnowledgeBase(
        self, request: pb.TestKnowledgeBaseRequest, context: Any
    ) -> pb.TestKnowledgeBaseResponse:
        """Ask a revision test questions and compare with another one."""
        base = BaseName.parse(request.name)
        report = await self._releases.test(
            base,
            which_from(request.revision, "draft"),
            which_from(request.baseline, "draft") if request.baseline else None,
            [messages.question_from(each) for each in request.questions],
        )
        annotate(revision=str(report.revision), passed=str(report.passed))
        return pb.TestKnowledgeBaseResponse(report=messages.report_to(base, report))

    async def ReplaceTestQuestions(
        self, request: pb.ReplaceTestQuestionsRequest, context: Any
    ) -> pb.ReplaceTestQuestionsResponse:
        """Replace what publishing asks."""
        given = request.HasField("required_share")
        await self._releases.replace_questions(
            BaseName.parse(request.parent),
            [messages.question_from(each) for each in request.questions],
            request.required_share if given else DEFAULT_REQUIRED_SHARE,
            request.request_id,
        )
        return pb.ReplaceTestQuestionsResponse(question_count=len(request.questions))

    async def ListTestQuestions(
        self, request: pb.ListTestQuestionsRequest, context: Any
    ) -> pb.ListTestQuestionsResponse:
        """List what publishing asks."""
        found, share, token = await self._releases.questions(
            BaseName.parse(request.parent), request.page_size, request.page_token
        )
        return pb.ListTestQuestionsResponse(
            questions=map(messages.question_to, found),
            next_page_token=token,
            required_share=share,
        )

    async def ReplaceDictionary(
        self, request: pb.ReplaceDictionaryRequest, context: Any
    ) -> pb.ReplaceDictionaryResponse:
        """Replace the company's own words in the draft."""
        count = await self._releases.replace_dictionary(
            BaseName.parse(request.parent), request.words, request.request_id
        )
        return pb.ReplaceDictionaryResponse(word_count=count)

    async def ListDictionary(
        self, request: pb.ListDictionaryRequest, context: Any
    ) -> pb.ListDictionaryResponse:
        """List the company's own words."""
        found, token = await self._releases.dictionary(
            BaseName.parse(request.parent),
            which_from(request.revision, "draft"),
            request.page_size,
            request.page_token,
        )
        return pb.ListDictionaryResponse(words=found, next_page_token=token)
